"""The release tool against a server that keeps a feed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sigreq.cli.main import main
from tests.client.server import Answer, Scripted
from tests.client.test_train import entry

RELEASES = {
    "items": [
        {"version": "20261101.002", "ordinal": 8, "published_at": "2026-11-01T10:00:00Z", "withdrawn_at": "x"},
        {"version": "20261101.001", "ordinal": 7, "published_at": "2026-11-01T09:00:00Z", "withdrawn_at": None},
    ]
}
NEXT = "20991231.001"
A, B = "a" * 64, "b" * 64
RULE = {"rule": "fresh", "source": "rule fresh {}"}


@pytest.fixture
def shop(server: Scripted) -> Scripted:
    """A product whose newest live version is 20261101.001, and which takes the version NEXT."""
    server.on("GET /v1/releases/av", Answer(RELEASES))
    server.on("GET /v1/products/av/schedule", Answer({"schedule": None, "next_departure": None}))
    server.on("GET /v1/releases/av/20261101.001/ruleset", Answer({"rules": {"old": "rule old {}"}, "allowed": [A]}))
    server.on(f"PUT /v1/releases/av/{NEXT}", Answer({"bundles": []}, 201))
    return server


def page(*items: dict[str, Any]) -> Answer:
    """One page of the feed, as lines."""
    upto = items[-1]["number"] if items else 0
    lines = [*items, {"next_cursor": upto, "next_mark": f"m{upto}"}]
    return Answer(content=b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def run(server: Scripted, state: Path, *more: str) -> Result:
    """Start the tool for one look."""
    command = ["release", "run", "--product", "av", "--version", NEXT, "--state", str(state), "--once", *more]
    return CliRunner().invoke(main, [*command, "--url", server.url, "--key", "sgrq_live_test"])


def puts(server: Scripted) -> list[Any]:
    """What was published."""
    return [each.document for each in server.seen if each.method == "PUT"]


def test_an_approved_change_is_published_on_the_newest_live_rules(shop: Scripted, tmp_path: Path) -> None:
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    result = run(shop, tmp_path / "state.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "C1 rev 1: included" in result.stdout
    assert puts(shop) == [
        {
            "ordinal": 9,
            "ruleset": {"rules": {"old": "rule old {}", "fresh": "rule fresh {}"}, "allowed": [A]},
            "changes": [{"id": "C1", "rev": 1, "is_included": True}],
        }
    ]


def test_a_tool_killed_after_publishing_does_not_publish_again(shop: Scripted, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    shop.on(f"PUT /v1/releases/av/{NEXT}", Answer({"code": "died", "detail": "as if killed"}, 500))
    assert run(shop, state).exit_code == 1
    assert list(json.loads(state.read_text())["items"]) == ["C1"]

    published = entry(5, "C1", action="published", **RULE)
    shop.on("GET /v1/feed", page(published), page())
    assert run(shop, state).exit_code == 0
    assert len(puts(shop)) == 1
    assert [each.query["after"] for each in shop.seen if each.path == "/v1/feed"] == ["0", "4", "4", "5"]


def test_a_change_that_is_not_waiting_any_more_does_not_hold_up_the_others(shop: Scripted, tmp_path: Path) -> None:
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE), entry(5, "C2", "hash_allow", sha256=B)), page())
    problem = {"status": 422, "code": "change_unknown", "detail": "Not waiting: C1.", "changes": "C1"}
    shop.on(f"PUT /v1/releases/av/{NEXT}", Answer(problem, 422), Answer({"bundles": []}, 201))
    assert run(shop, tmp_path / "state.json").exit_code == 0
    assert [[change["id"] for change in put["changes"]] for put in puts(shop)] == [["C1", "C2"], ["C2"]]
    assert "fresh" not in puts(shop)[1]["ruleset"]["rules"]


@pytest.mark.parametrize("code", ["cursor_ahead", "cursor_foreign"])
def test_a_feed_that_is_another_one_stops_the_tool_and_it_is_said_what_to_do(
    shop: Scripted, tmp_path: Path, code: str
) -> None:
    state = tmp_path / "state.json"
    shop.on("GET /v1/feed", page(entry(9, "C9", action="withdrawn")), page())
    assert run(shop, state).exit_code == 0
    kept = state.read_bytes()

    shop.on("GET /v1/feed", Answer({"status": 409, "code": code, "detail": "Not so."}, 409))
    result = run(shop, state)
    assert (result.exit_code, puts(shop), state.read_bytes()) == (1, [], kept)
    assert f"Not so. [{code}]" in result.stderr
    assert f"delete {state}" in result.stderr

    state.unlink()
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    assert run(shop, state).exit_code == 0
    assert [change["id"] for change in puts(shop)[0]["changes"]] == ["C1"]


def test_only_the_asked_track_goes_and_the_other_still_waits(shop: Scripted, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    urgent = entry(5, "C2", "hash_allow", sha256=B) | {"track": "expedited"}
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE), urgent), page())
    assert run(shop, state, "--track", "expedited").exit_code == 0
    assert [change["id"] for change in puts(shop)[0]["changes"]] == ["C2"]
    assert list(json.loads(state.read_text())["items"]) == ["C1"]


def test_a_dry_run_changes_nothing(shop: Scripted, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    result = run(shop, state, "--dry-run")
    assert result.exit_code == 0
    assert "Would publish av" in result.stdout
    assert {each.method for each in shop.seen} == {"GET"}
    assert not state.exists()


def test_polling_goes_on_after_a_failing_server_and_ends_when_it_is_refused(
    server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigreq_client.following.FIRST_PAUSE", 0.001)
    failing = Answer({"status": 500, "code": "internal", "detail": "It broke."}, 500)
    refusing = Answer({"status": 401, "code": "key_revoked", "detail": "This key was revoked."}, 401)
    server.on("GET /v1/feed", failing, failing, failing, page(), refusing)
    options = ["--product", "av", "--state", str(tmp_path / "state.json"), "--interval", "0.1"]
    connection = ["--url", server.url, "--key", "sgrq_live_test"]
    result = CliRunner().invoke(main, ["release", "run", *options, *connection])
    assert result.exit_code == 1
    assert result.stderr == "It broke. [internal]\nError: This key was revoked. [key_revoked]\n"
    assert len(server.seen) == 5


def test_a_version_names_one_database_so_it_cannot_be_polled_with(server: Scripted) -> None:
    connection = ["--url", server.url, "--key", "sgrq_live_test"]
    result = CliRunner().invoke(main, ["release", "run", "--product", "av", "--version", NEXT, *connection])
    assert result.exit_code == 2
    assert server.seen == []


@pytest.mark.parametrize("code", ["database_version_unreadable", "release_exists", "ordinal_not_higher"])
def test_a_version_that_the_server_refuses_leaves_every_change_as_it_was(
    shop: Scripted, tmp_path: Path, code: str
) -> None:
    state = tmp_path / "state.json"
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    shop.on(f"PUT /v1/releases/av/{NEXT}", Answer({"status": 409, "code": code, "detail": "Not so."}, 409))
    result = run(shop, state)
    assert (result.exit_code, result.stderr) == (1, f"Error: Not so. [{code}]\n")
    assert [what for what in shop.asked if not what.startswith("GET")] == [f"PUT /v1/releases/av/{NEXT}"]
    assert list(json.loads(state.read_text())["items"]) == ["C1"], "it still waits"


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_nothing_to_publish_is_said_and_is_no_failure(shop: Scripted, tmp_path: Path, more: list[str]) -> None:
    shop.on("GET /v1/feed", page(entry(9, "C9", action="withdrawn")), page())
    result = run(shop, tmp_path / "state.json", *more)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Nothing waits.\n", "")
    told = run(shop, tmp_path / "state.json", *more, "--json")
    assert json.loads(told.stdout) == {"version": None, "changes": [], "extras": []}


def test_a_product_that_does_not_exist_is_a_failure(server: Scripted, tmp_path: Path) -> None:
    unknown = Answer({"status": 404, "code": "not_found", "detail": "There is no product av."}, 404)
    server.on("GET /v1/feed", unknown)
    result = run(server, tmp_path / "state.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no product av. [not_found]" in result.stderr


@pytest.mark.parametrize("version", ["20261101.002", "20261031.9"])
def test_a_version_that_does_not_sort_above_the_newest_is_warned_about(
    shop: Scripted, tmp_path: Path, version: str
) -> None:
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    result = run(shop, tmp_path / "state.json", "--version", version, "--dry-run")
    assert result.exit_code == 0
    assert result.stderr == f"Warning: {version} does not sort above 20261101.002, the newest of av.\n"


def test_no_order_is_guessed_where_versions_are_written_in_another_form(shop: Scripted, tmp_path: Path) -> None:
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    result = run(shop, tmp_path / "state.json", "--version", "17", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
