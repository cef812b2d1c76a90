"""The command line of analysts and administrators against a real HTTP server."""

from pathlib import Path

import pytest

from sigreq.domain.ruleset import pin_of
from tests.client.server import Answer, Scripted
from tests.client.test_commands import SUBMISSION, run

CHANGE = {
    "id": "CH-1",
    "revision": 5,
    "rev": 2,
    "product": "av",
    "kind": "rule_add",
    "track": "standard",
    "state": "tested",
    "payload": {"rule": "fresh", "source": "rule fresh {}"},
    "submission_ids": ["SR-7K3M-9QX2-4TFB"],
    "gate": "GR-1",
    "tested_against": "20261122.001",
    "report": None,
    "written_by": "ada-1",
    "written_by_name": "Ada",
    "approved_by": None,
    "approved_by_name": None,
    "published_in": None,
}


def test_a_decision_is_made_on_the_revision_that_is_there(server: Scripted) -> None:
    server.on("GET /v1/changes/CH-1", Answer(CHANGE))
    server.on("POST /v1/changes/CH-1/approve", Answer(CHANGE | {"state": "approved"}))
    done = run(server, "decide", "approve", "CH-1")
    assert (done.exit_code, "Ada (ada-1)" in done.stdout) == (0, True)
    assert server.asked == ["GET /v1/changes/CH-1", "POST /v1/changes/CH-1/approve"]
    assert server.seen[1].headers["If-Match"] == '"5"'


def test_a_decision_can_name_the_revision_that_was_seen(server: Scripted) -> None:
    server.on("POST /v1/submissions/SR-1/claim", Answer(SUBMISSION))
    assert run(server, "decide", "claim", "SR-1", "--revision", "2").exit_code == 0
    assert server.asked == ["POST /v1/submissions/SR-1/claim"]
    assert server.seen[0].headers["If-Match"] == '"2"'


STALE = Answer({"status": 412, "code": "revision_stale", "detail": "It has changed."}, 412)
WORDS = ["false_positive_confirmed", "clean", "As you say."]
ON_A_SUBMISSION = [
    ("claim", "claim", []),
    ("phone-call", "phone-call", []),
    ("answer", "answer", ["Hello."]),
    ("determine", "determine", WORDS),
    ("severity", "severity", ["2"]),
]


@pytest.mark.parametrize(("command", "action", "said"), ON_A_SUBMISSION)
def test_a_decision_is_made_again_once_when_the_case_moved_in_between(
    server: Scripted, command: str, action: str, said: list[str]
) -> None:
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION), Answer(SUBMISSION | {"revision": 4}))
    server.on(f"POST /v1/submissions/SR-1/{action}", STALE, Answer(SUBMISSION))
    assert run(server, "decide", command, "SR-1", *said).exit_code == 0
    held = [seen.headers["If-Match"] for seen in server.seen if seen.method == "POST"]
    assert held == ['"3"', '"4"']


def test_a_case_that_moves_again_and_again_is_left_alone(server: Scripted) -> None:
    server.on("GET /v1/changes/CH-1", Answer(CHANGE))
    server.on("POST /v1/changes/CH-1/approve", STALE)
    result = run(server, "decide", "approve", "CH-1")
    assert (result.exit_code, result.stderr) == (1, "Error: It has changed. [revision_stale]\n")
    assert len(server.seen) == 4


def test_a_decision_on_a_named_revision_is_not_made_again(server: Scripted) -> None:
    server.on("POST /v1/submissions/SR-1/claim", STALE)
    assert run(server, "decide", "claim", "SR-1", "--revision", "2").exit_code == 1
    assert server.asked == ["POST /v1/submissions/SR-1/claim"]


def test_a_conclusion_that_does_not_exist_is_a_mistake_of_the_command_line(server: Scripted) -> None:
    result = run(server, "decide", "determine", "SR-1", "innocent", "clean", "As you say.")
    assert result.exit_code == 2
    assert "correct_detection" in result.stderr
    assert server.seen == []


def test_a_rule_is_drafted_under_the_name_of_its_file(server: Scripted, tmp_path: Path) -> None:
    source = tmp_path / "Gen_Fresh.yar"
    source.write_text("rule Gen_Fresh { condition: false }")
    server.on("POST /v1/changes", Answer(CHANGE, 201))
    result = run(server, "decide", "draft", "SR-1", "SR-2", "--kind", "rule_add", "--source", str(source))
    assert (result.exit_code, result.stderr) == (0, "")
    assert server.seen[0].document == {
        "submission_ids": ["SR-1", "SR-2"],
        "kind": "rule_add",
        "payload": {"rule": "Gen_Fresh", "source": "rule Gen_Fresh { condition: false }"},
    }


COUNTS = {"cases": 2, "files": 3, "bytes": 4096, "seconds": 0.1}
PROBLEM = {"code": "lint", "message": "fresh: line 3, column 7: it never fires", "line": 3, "column": 7}
REPORT = {
    "base": "20261122.001",
    "is_passed": False,
    "problems": [PROBLEM],
    "problems_left_out": 4,
    "scanned": {"earlier": COUNTS},
    "not_recheckable": [{"submission_id": "SR-9", "why": "sample_missing"}],
    "seconds": 1.5,
}
RUN = {"id": "GR-1", "purpose": "change", "subject": "CH-1", "state": "running", "done": 0, "total": None}


def test_a_change_that_fails_the_gate_fails_the_command_and_says_why(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigreq.cli.gates.POLL_SECONDS", 0.01)
    server.on("POST /v1/changes/CH-1/test", Answer(CHANGE | {"state": "testing"}))
    server.on(
        "GET /v1/gates/GR-1",
        Answer(RUN),
        Answer(RUN | {"done": 1, "total": 2}),
        Answer(RUN | {"state": "failed", "done": 2, "total": 2, "report": REPORT}),
    )
    server.on("GET /v1/changes/CH-1", Answer(CHANGE), Answer(CHANGE | {"state": "gate_failed", "report": REPORT}))
    result = run(server, "decide", "test", "CH-1", "--wait")
    assert result.exit_code == 1
    assert result.stderr == "Gate GR-1: planning\nGate GR-1: 1 of 2 parts\n"
    for said in ("line 3, column 7: it never fires", "and 4 more", "2 cases, 3 files, 4,096 bytes", "SR-9 (sample_m"):
        assert said in result.stdout
    again = run(server, "decide", "gate", "GR-1", "--wait")
    assert (again.exit_code, "2 of 2" in again.stdout) == (1, True)


DISABLED = "rule Old { condition: false }"


@pytest.mark.parametrize(
    ("kind", "options", "payload"),
    [
        ("sig_retire", ["--signature", "Old"], {"signature": "Old"}),
        ("sig_disable", ["--signature", "Old"], {"signature": "Old", "pin": pin_of(DISABLED)}),
        ("rename", ["--signature", "Old", "--to", "New"], {"signature": "Old", "to": "New"}),
        ("hash_add", ["--sha256", "aa", "--name", "New"], {"sha256": "aa", "name": "New"}),
        ("hash_allow", ["--sha256", "aa"], {"sha256": "aa"}),
    ],
)
def test_each_kind_of_change_is_drafted_by_its_own_options(
    server: Scripted, kind: str, options: list[str], payload: dict[str, str]
) -> None:
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION))
    product = SUBMISSION["product"]
    versions = [{"version": "3", "withdrawn_at": "2026-11-22T10:00:00Z"}, {"version": "2", "withdrawn_at": None}]
    server.on(f"GET /v1/releases/{product}", Answer({"items": versions}))
    server.on(f"GET /v1/releases/{product}/2/ruleset", Answer({"rules": {"Old": DISABLED}}))
    server.on("POST /v1/changes", Answer(CHANGE, 201))
    result = run(server, "decide", "draft", "SR-1", "--kind", kind, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert server.seen[-1].document == {"submission_ids": ["SR-1"], "kind": kind, "payload": payload}
    refused = run(server, "decide", "draft", "SR-1", "--kind", kind)
    assert refused.exit_code == 2
    assert f"{kind} needs {' and '.join(options[::2])}" in refused.stderr


def test_a_rule_that_is_not_published_cannot_be_disabled(server: Scripted) -> None:
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION))
    server.on(f"GET /v1/releases/{SUBMISSION['product']}", Answer({"items": []}))
    result = run(server, "decide", "draft", "SR-1", "--kind", "sig_disable", "--signature", "Absent")
    assert result.exit_code == 2
    assert "has no rule Absent" in result.stderr


def test_a_sample_is_downloaded_whole_or_not_at_all(server: Scripted, tmp_path: Path) -> None:
    goal = tmp_path / "out.zip"
    arguments = ["decide", "sample", "SR-1", "aa", "--reason", "to look", "--output", str(goal)]
    assert run(server, *arguments).exit_code == 1
    assert list(tmp_path.iterdir()) == []
    server.on("GET /v1/submissions/SR-1/samples/aa", Answer(content=b"PK"))
    assert "infected" in run(server, *arguments).stdout
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"PK"]


def test_a_folder_of_rules_becomes_a_database(server: Scripted, tmp_path: Path) -> None:
    (tmp_path / "one.yar").write_text("rule one {}")
    (tmp_path / "allowed.txt").write_text("bb\naa\n")
    server.on("GET /v1/releases/av", Answer({"items": [{"ordinal": 4, "version": "20261122.001"}]}))
    server.on("PUT /v1/releases/av/20261122.002", Answer({}, 201))
    when = ["--published-at", "2026-11-22T10:00:00Z"]
    result = run(server, "admin", "database", "publish", "av", "20261122.002", "--rules", str(tmp_path), *when)
    assert (result.exit_code, result.stderr) == (0, "")
    assert server.seen[1].document == {
        "ordinal": 5,
        "ruleset": {"rules": {"one": "rule one {}"}, "allowed": ["aa", "bb"]},
        "changes": [],
        "published_at": "2026-11-22T10:00:00+00:00",
    }


@pytest.mark.parametrize("wrong", [["--published-at", "2026-11-22T10:00:00"], ["--ago", "soon"]])
def test_a_time_that_can_be_misread_is_a_mistake_of_the_command_line(
    server: Scripted, tmp_path: Path, wrong: list[str]
) -> None:
    result = run(server, "admin", "database", "publish", "av", "1", "--rules", str(tmp_path), *wrong)
    assert result.exit_code == 2
    assert server.seen == []


def test_a_goal_that_was_not_promised_is_not_shown_as_one(server: Scripted) -> None:
    promised = SUBMISSION | {"response_due_at": None}
    for_staff = promised | {"due_at": "2026-11-24T12:00:00Z", "is_guaranteed": False}
    pages = [Answer({"items": [item], "next_cursor": None}) for item in (promised, for_staff)]
    server.on("GET /v1/submissions", *pages)
    assert "no time is guaranteed" in run(server, "list").stdout
    assert "a goal, not guaranteed" in run(server, "list").stdout


def test_a_new_key_is_shown_with_its_warning(server: Scripted) -> None:
    server.on("POST /v1/admin/people", Answer({"id": "P1", "key": "sgrq_live_new"}, 201))
    result = run(server, "admin", "person", "add", "Ada", "--role", "lead")
    assert "sgrq_live_new\nIt is not shown again." in result.stdout
    assert server.seen[0].document == {"name": "Ada", "role": "lead", "language": "en"}


def test_a_link_to_set_a_password_is_shown_whole_with_its_warning(server: Scripted) -> None:
    made = {"person": "P1", "login": "ada", "path": "/password/abc", "expires_at": "2026-11-29T13:02:00Z"}
    server.on("POST /v1/admin/people/P1/password-link", Answer(made, 201), Answer(made, 201))
    result = run(server, "admin", "person", "password-link", "P1", "--login", "ada")
    assert result.exit_code == 0
    assert f"{server.url}/password/abc\nIt is not shown again." in result.stdout
    assert "Sign-in name: ada" in result.stdout
    assert server.seen[0].document == {"login": "ada"}
    as_json = run(server, "admin", "person", "password-link", "P1", "--json")
    assert f'"url": "{server.url}/password/abc"' in as_json.stdout
