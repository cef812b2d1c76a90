"""The commands about extras and relief against a real HTTP server."""

import json
from typing import Any

from tests.client.server import Answer, Scripted
from tests.client.test_commands import SUBMISSION, run

EXTRA: dict[str, Any] = {
    "id": "EX-1",
    "product": "av",
    "base_version": "20261122.001",
    "kind": "hash_add",
    "state": "live",
    "additions": {"rules": {}, "allowed": [], "hashes": {"ab12": "Acme_Quick"}},
    "digest": "00",
    "submission_id": None,
    "hours": 6,
    "live_at": "2026-11-22T10:00:00Z",
    "expires_at": "2026-11-22T16:00:00Z",
    "ended_at": None,
    "ending": None,
}
LISTED = {"base_version": "20261122.001", "items": [EXTRA]}
WHO = {
    "proposed_by": "ada-1",
    "proposed_by_name": "Ada",
    "approved_by": None,
    "approved_by_name": None,
    "ended_by": None,
}
RELIEF = EXTRA | WHO | {"submission_id": "SR-1", "state": "proposed", "expires_at": None}


def sent(server: Scripted) -> Any:
    """The body of the last request."""
    return server.seen[-1].document


def test_an_extra_is_made_for_the_newest_database_unless_another_is_named(server: Scripted) -> None:
    server.on("GET /v1/products/av/extras", Answer(LISTED))
    server.on("PUT /v1/changes/CH-1/extra", Answer(EXTRA, 201), Answer(EXTRA, 201))
    done = run(server, "extra", "publish", "av", "CH-1", "--hours", "6")
    assert (done.exit_code, sent(server)) == (0, {"base_version": "20261122.001", "hours": 6})
    assert "hash_add: ab12 as Acme_Quick" in done.output
    assert run(server, "extra", "publish", "av", "CH-1", "--base", "20261121.001").exit_code == 0
    assert sent(server) == {"base_version": "20261121.001", "hours": 24}


def test_extras_are_listed_with_what_they_add(server: Scripted) -> None:
    server.on("GET /v1/products/av/extras", Answer(LISTED), Answer(LISTED | {"items": []}), Answer(LISTED))
    assert "ab12 as Acme_Quick" in run(server, "extra", "list", "av").output
    assert "Nothing is in force on 20261122.001." in run(server, "extra", "list", "av").output
    assert json.loads(run(server, "extra", "list", "av", "--json").output) == LISTED


def test_a_test_of_an_approved_change_is_waited_for(server: Scripted) -> None:
    gate = {
        "id": "GR-1",
        "purpose": "change",
        "subject": "CH-1",
        "state": "running",
        "total": 1,
        "done": 0,
        "report": None,
    }
    server.on("POST /v1/changes/CH-1/extra/gate", Answer(gate, 202))
    server.on("GET /v1/gates/GR-1", Answer(gate | {"state": "passed", "done": 1}))
    done = run(server, "extra", "test", "CH-1", "--wait")
    assert (done.exit_code, "passed" in done.output) == (0, True)


def test_relief_is_proposed_on_the_revision_that_is_there_approved_and_ended(server: Scripted) -> None:
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION))
    server.on("POST /v1/submissions/SR-1/relief", Answer(RELIEF, 201))
    done = run(server, "decide", "relief", "SR-1", "It is urgent.", "--sha256", "ab12", "--hours", "5")
    assert (done.exit_code, sent(server)) == (0, {"reason": "It is urgent.", "sha256": "ab12", "hours": 5})
    assert server.seen[-1].headers["If-Match"] == f'"{SUBMISSION["revision"]}"'
    assert ("proposed" in done.output, "Ada (ada-1)" in done.output) == (True, True)
    server.on("POST /v1/extras/EX-1/approve", Answer(RELIEF | {"state": "live", "expires_at": EXTRA["expires_at"]}))
    assert "live" in run(server, "decide", "approve-relief", "EX-1").output
    over = RELIEF | {"state": "ended", "ending": "taken_back"}
    server.on("POST /v1/extras/EX-1/end", Answer(over), Answer(over))
    assert "ended (taken_back)" in run(server, "decide", "end-relief", "EX-1").output
    assert "ended (taken_back)" in run(server, "extra", "end", "EX-1").output
