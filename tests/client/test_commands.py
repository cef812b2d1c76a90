"""The command line against a real HTTP server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sigreq.cli.main import main
from tests.client.server import Answer, Scripted

SUBMISSION = {
    "id": "SR-7K3M-9QX2-4TFB",
    "revision": 3,
    "state": "queued",
    "kind": "false_positive",
    "product": "av",
    "database_version": "20261122.001",
    "database_verdict": "current",
    "latest_version": "20261122.001",
    "track": "expedited",
    "severity": 2,
    "received_at": "2026-11-22T10:00:00Z",
    "due_at": "2026-11-22T12:00:00Z",
    "is_guaranteed": True,
    "is_joined": False,
}
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
    "tested_against": "20261122.001",
    "report": None,
    "written_by": "Ada",
    "approved_by": None,
    "published_in": None,
}
CHECK = {
    "product": "av",
    "claimed": "20261122.001",
    "verdict": "current",
    "is_accepted": True,
    "latest": "20261122.001",
    "latest_published_at": "2026-11-22T09:00:00Z",
    "outdated_since": None,
    "update_instructions": "Run `av update`.",
}
OUTDATED = CHECK | {"verdict": "outdated", "is_accepted": False, "latest": "20261122.002"}


def run(server: Scripted, *arguments: str) -> Result:
    """Run a command against the server."""
    return CliRunner().invoke(main, [*arguments, "--url", server.url, "--key", "sgrq_live_test"])


def submit(server: Scripted, file: Path, *more: str) -> Result:
    """Hand in one file."""
    fields = ["--kind", "false_positive", "--product", "av", "--product-version", "9", "--severity", "2"]
    claim = [*fields, "--database-version", "20261122.001", "--contact", "ada@example.com"]
    return run(server, "submit", str(file), *claim, *more)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A file to hand in."""
    path = tmp_path / "setup.exe"
    path.write_bytes(b"MZ")
    return path


def claim_in(server: Scripted) -> Any:  # noqa: ANN401 -- any JSON
    """The claim that arrived with the files."""
    return json.loads(server.seen[-1].head.split(b"\r\n\r\n")[1].split(b"\r\n--")[0])


def test_no_byte_of_a_file_leaves_when_the_database_is_old(server: Scripted, sample: Path) -> None:
    server.on("GET /v1/database-check", Answer(OUTDATED))
    result = submit(server, sample)
    assert result.exit_code == 1
    assert "20261122.002 is" in result.stderr
    assert "Run `av update`." in result.stderr
    assert server.asked == ["GET /v1/database-check"]


def test_a_refusal_is_a_document_for_programs(server: Scripted, sample: Path) -> None:
    server.on("GET /v1/database-check", Answer(OUTDATED))
    document = json.loads(submit(server, sample, "--json").stdout)
    assert document["code"] == "database_outdated"
    assert document["latest"] == "20261122.002"


def test_a_submission_is_handed_in_with_what_was_said_and_nothing_else(server: Scripted, sample: Path) -> None:
    server.on("GET /v1/database-check", Answer(CHECK))
    server.on("POST /v1/submissions", Answer(SUBMISSION, 202))
    stated = ["--sha256", "aa", "--sha256", "b.exe=bb"]
    result = submit(server, sample, *stated, "--detection-name", "Gen.X", "--not-quarantined", "--hosts-affected", "0")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "SR-7K3M-9QX2-4TFB" in result.stdout
    assert "sigreq status SR-7K3M-9QX2-4TFB --follow" in result.stdout
    assert claim_in(server) == {
        "kind": "false_positive",
        "product": "av",
        "product_version": "9",
        "database_version": "20261122.001",
        "severity": 2,
        "contact": "ada@example.com",
        "detection_name": "Gen.X",
        "expected_verdict": "clean",
        "hashes": [{"sha256": "aa"}, {"name": "b.exe", "sha256": "bb"}],
        "details": {"is_quarantined": False, "hosts_affected": 0},
    }
    assert len(server.seen[-1].headers["Idempotency-Key"]) == 32


def test_waiting_ends_when_screening_does(server: Scripted, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigreq.cli.submit.POLL_SECONDS", 0.01)
    server.on("GET /v1/database-check", Answer(CHECK))
    server.on("POST /v1/submissions", Answer(SUBMISSION | {"state": "received"}, 202))
    server.on("GET /v1/submissions/SR-7K3M-9QX2-4TFB", Answer(SUBMISSION | {"state": "screening"}), Answer(SUBMISSION))
    result = submit(server, sample, "--wait", "--json")
    assert json.loads(result.stdout)["state"] == "queued"


def test_fields_that_are_not_accepted_are_named(server: Scripted) -> None:
    problems = [{"field": "message", "message": "is empty"}]
    problem = {"status": 422, "code": "field_invalid", "detail": "Look at the fields.", "problems": problems}
    server.on("POST /v1/submissions/SR-1/reply", Answer(problem, 422))
    result = run(server, "reply", "SR-1", "")
    assert result.exit_code == 1
    assert result.stderr == "Error: Look at the fields. [field_invalid]\n  message: is empty\n"


def test_the_problem_document_is_printed_for_programs(server: Scripted) -> None:
    problem = {"status": 404, "code": "not_found", "detail": "There is no submission SR-1.", "what": "submission"}
    server.on("GET /v1/submissions/SR-1", Answer(problem, 404))
    result = run(server, "status", "SR-1", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == problem


def test_a_broken_hand_in_says_how_to_repeat_it(
    server: Scripted, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("GET /v1/database-check", Answer(CHECK))
    server.on("POST /v1/submissions", Answer(status=202, content=b"", headers={"Transfer-Encoding": "nonsense"}))
    monkeypatch.setattr("secrets.token_hex", lambda _: "k" * 32)
    result = submit(server, sample)
    assert result.exit_code == 1
    assert "may have been carried out" in result.stderr
    assert f"--idempotency-key {'k' * 32}" in result.stderr


def test_a_server_that_is_not_there_is_said_clearly() -> None:
    result = CliRunner().invoke(main, ["queue", "--url", "http://127.0.0.1:1", "--key", "sgrq_live_test"])
    assert result.exit_code == 1
    assert "Nothing answers at http://127.0.0.1:1" in result.stderr


@pytest.mark.parametrize("key", ["", "sgrq_live_\N{EN DASH}", "sgrq\nlive"])
def test_a_key_that_cannot_be_one_is_a_mistake_of_the_command_line(key: str) -> None:
    result = CliRunner().invoke(main, ["queue", "--key", key], env={"SIGREQ_API_KEY": None})
    assert result.exit_code == 2
    assert "API key" in result.stderr


def test_the_key_can_come_from_a_file(server: Scripted, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("sgrq_live_filed\n")
    server.on("GET /v1/queue", Answer({"items": []}))
    result = CliRunner().invoke(main, ["queue", "--url", server.url, "--key-file", str(key_file)])
    assert result.stdout == "Nothing here.\n"
    assert server.seen[0].headers["Authorization"] == "Bearer sgrq_live_filed"


def test_a_decision_is_made_on_the_revision_that_is_there(server: Scripted) -> None:
    server.on("GET /v1/changes/CH-1", Answer(CHANGE))
    server.on("POST /v1/changes/CH-1/approve", Answer(CHANGE | {"state": "approved"}))
    assert run(server, "decide", "approve", "CH-1").exit_code == 0
    assert server.asked == ["GET /v1/changes/CH-1", "POST /v1/changes/CH-1/approve"]
    assert server.seen[1].headers["If-Match"] == '"5"'


def test_a_decision_can_name_the_revision_that_was_seen(server: Scripted) -> None:
    server.on("POST /v1/submissions/SR-1/claim", Answer(SUBMISSION))
    assert run(server, "decide", "claim", "SR-1", "--revision", "2").exit_code == 0
    assert server.asked == ["POST /v1/submissions/SR-1/claim"]
    assert server.seen[0].headers["If-Match"] == '"2"'


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


def test_a_change_that_fails_its_test_fails_the_command(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigreq.cli.changes.POLL_SECONDS", 0.01)
    server.on("POST /v1/changes/CH-1/test", Answer(CHANGE | {"state": "testing"}))
    failed = CHANGE | {"state": "gate_failed", "report": {"corpus": "hits clean files"}}
    server.on("GET /v1/changes/CH-1", Answer(CHANGE), Answer(CHANGE | {"state": "testing"}), Answer(failed))
    result = run(server, "decide", "test", "CH-1", "--wait")
    assert result.exit_code == 1
    assert "hits clean files" in result.stdout


def test_a_sample_is_downloaded_whole_or_not_at_all(server: Scripted, tmp_path: Path) -> None:
    goal = tmp_path / "out.zip"
    arguments = ["decide", "sample", "SR-1", "aa", "--reason", "to look", "--output", str(goal)]
    assert run(server, *arguments).exit_code == 1
    assert list(tmp_path.iterdir()) == []
    server.on("GET /v1/submissions/SR-1/samples/aa", Answer(content=b"PK"))
    assert "infected" in run(server, *arguments).stdout
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"PK"]


def test_what_a_customer_wrote_cannot_steer_the_terminal(server: Scripted) -> None:
    event = {
        "at": "2026-11-22T10:00:00Z",
        "name": "replied",
        "state": "queued",
        "by": "Eve",
        "data": {"message": "a\x1b[2Jb"},
    }
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION))
    server.on("GET /v1/submissions/SR-1/timeline", Answer({"items": [event]}))
    result = run(server, "status", "SR-1")
    assert "message: a\\x1b[2Jb" in result.stdout


def test_following_prints_each_event_once_and_ends_with_the_submission(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigreq.cli.status.POLL_SECONDS", 0.01)
    first: dict[str, Any] = {
        "at": "2026-11-22T10:00:00Z",
        "name": "received",
        "state": "received",
        "by": None,
        "data": {},
    }
    last = first | {"name": "concluded", "state": "closed"}
    path = "GET /v1/submissions/SR-1/timeline"
    server.on(path, Answer({"items": [first]}), Answer({"items": [first]}), Answer({"items": [first, last]}))
    lines = run(server, "status", "SR-1", "--follow", "--json").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["received", "concluded"]


def test_a_list_goes_on_over_the_pages(server: Scripted) -> None:
    server.on(
        "GET /v1/submissions",
        Answer({"items": [SUBMISSION] * 2, "next_cursor": "c"}),
        Answer({"items": [SUBMISSION], "next_cursor": None}),
    )
    result = run(server, "list", "--limit", "5", "--json")
    assert len(json.loads(result.stdout)["items"]) == 3
    assert server.seen[1].query == {"cursor": "c", "limit": "3"}


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


def test_a_new_key_is_shown_with_its_warning(server: Scripted) -> None:
    server.on("POST /v1/admin/people", Answer({"id": "P1", "key": "sgrq_live_new"}, 201))
    result = run(server, "admin", "person", "add", "Ada", "--role", "lead")
    assert "sgrq_live_new\nIt is not shown again." in result.stdout
    assert server.seen[0].document == {"name": "Ada", "role": "lead"}


def test_help_imports_neither_the_commands_nor_the_http_library() -> None:
    script = (
        "import sys\n"
        "from sigreq.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "loaded = [name for name in sys.modules if name.startswith('sigreq.cli.')]\n"
        "assert loaded == ['sigreq.cli.main'], loaded\n"
        "main(['release', 'run', '--help'], standalone_mode=False)\n"
        "main(['submit', '--help'], standalone_mode=False)\n"
        "assert not {'httpx2', 'sqlalchemy', 'boto3'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)  # noqa: S603 -- ours
