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
    "response_due_at": "2026-11-22T12:00:00Z",
    "calendar": "always",
    "plan": "msa_business",
    "is_premium": True,
    "answered_at": None,
    "phone_call_required": False,
    "phone_number": None,
    "notices": [],
    "next_step": "An analyst will take the case.",
    "is_joined": False,
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


def claim_in(server: Scripted) -> Any:
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


def test_a_refusal_is_told_in_the_servers_words(server: Scripted) -> None:
    problem = {"status": 422, "code": "field_invalid", "detail": "Look at the fields: message: is empty."}
    server.on("POST /v1/submissions/SR-1/reply", Answer(problem, 422))
    result = run(server, "reply", "SR-1", "")
    assert result.exit_code == 1
    assert result.stderr == "Error: Look at the fields: message: is empty. [field_invalid]\n"


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


def test_what_happened_is_told_in_words(server: Scripted) -> None:
    scans = [{"sha256": "aa", "outcome": "detected", "reason": None, "detections": ["Gen.X"]}]
    event = {
        "at": "2026-11-22T10:00:00Z",
        "name": "screened",
        "state": "queued",
        "data": {"scans": scans, "is_new": True},
    }
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION))
    server.on("GET /v1/submissions/SR-1/timeline", Answer({"items": [event]}))
    result = run(server, "status", "SR-1")
    assert "scans: \n      sha256 aa, outcome detected, detections Gen.X\n    is_new: yes\n" in result.stdout


def test_following_prints_each_event_once_and_ends_with_the_submission(server: Scripted) -> None:
    first: dict[str, Any] = {
        "sequence": 1,
        "at": "2026-11-22T10:00:00Z",
        "name": "received",
        "state": "received",
        "by": None,
        "data": {},
    }
    last = first | {"sequence": 2, "name": "concluded", "state": "closed"}
    again = first | {"sequence": 3, "name": "disputed", "state": "queued"}
    end = last | {"sequence": 4}
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION))
    server.on("GET /v1/submissions/SR-1/timeline", Answer({"items": [first, last, again, end]}))
    server.on(
        "GET /v1/submissions/SR-1/events",
        _sent(first, last, cut=again),
        Answer({}, 503),
        _sent(last, again),
        Answer(content=b"id: 0\nevent: reset\ndata: {}\n\n"),
        _sent(first, last, again, end),
    )
    lines = run(server, "status", "SR-1", "--follow", "--json").stdout.splitlines()
    whole = ["received", "concluded", "disputed", "concluded"]
    assert [json.loads(line)["name"] for line in lines] == [*whole[:3], "reset", *whole]
    asked = [each.headers.get("Last-Event-ID") for each in server.seen if each.path.endswith("/events")]
    assert asked == [None, "2", "2", "3", "0"]


def _sent(*events: dict[str, Any], cut: dict[str, Any] | None = None) -> Answer:
    """A stream that ends, perhaps in the middle of an event."""
    written = [f"id: {each['sequence']}\nevent: {each['name']}\ndata: {json.dumps(each)}\n\n" for each in events]
    broken = [] if cut is None else [f"id: {cut['sequence']}\nevent: {cut['name']}\ndata: {json.dumps(cut)[:20]}"]
    return Answer(content="".join([": here\n\n", *written, *broken]).encode())


def test_a_list_goes_on_over_the_pages(server: Scripted) -> None:
    server.on(
        "GET /v1/submissions",
        Answer({"items": [SUBMISSION] * 2, "next_cursor": "c"}),
        Answer({"items": [SUBMISSION], "next_cursor": None}),
    )
    result = run(server, "list", "--limit", "5", "--json")
    assert len(json.loads(result.stdout)["items"]) == 3
    assert server.seen[1].query == {"cursor": "c", "limit": "3"}


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
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)
