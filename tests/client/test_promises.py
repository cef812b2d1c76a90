"""How promises are shown and calls are taken on the command line, against a real HTTP server."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sigreq.cli.main import main
from tests.client.server import Answer, Scripted
from tests.client.test_commands import SUBMISSION, run

FOR_STAFF = SUBMISSION | {
    "group": "night",
    "due_at": "2026-11-22T12:00:00Z",
    "is_guaranteed": True,
    "organisation": "acme",
}
ACCOUNT: dict[str, Any] = {
    "person": "Ada",
    "role": "customer",
    "organisation": {"id": "acme", "name": "Acme"},
    "plan": {
        "id": "gold",
        "title": "Gold",
        "track": "expedited",
        "goals": [{"severity": 1, "minutes": 120, "calendar": "always", "is_guaranteed": True}],
    },
    "phone_number": "+49 30 1234",
    "contract": {
        "id": "CT-1",
        "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": None,
        "year_starts_at": "2026-01-01T00:00:00Z",
        "year_ends_at": "2027-01-01T00:00:00Z",
        "premium_incidents": {"limit": 6, "used": 2, "reserved": 1, "left": 3},
    },
    "webhook": None,
}
CLAIM = ["--kind", "false_negative", "--product", "av", "--product-version", "9", "--severity", "2"]
SAID = [*CLAIM, "--database-version", "20261122.001", "--contact", "ada@example.com"]


@pytest.fixture(autouse=True)
def _in_utc() -> Iterator[None]:
    """Times are shown in this machine's zone; here it is UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def without_key(*arguments: str) -> Result:
    """Run a command as somebody who has no account."""
    return CliRunner().invoke(main, arguments, env={"SIGREQ_API_KEY": None, "SIGREQ_URL": None})


def test_the_account_shows_what_is_left_of_the_contract(server: Scripted) -> None:
    server.on("GET /v1/account", Answer(ACCOUNT))
    text = run(server, "account").stdout
    assert "severity 1: answer within 2 h (always), guaranteed" in text
    assert "contract: CT-1, from 2026-01-01 00:00+00:00, open-ended" in text
    assert "contract year: 2026-01-01 00:00+00:00 to 2027-01-01 00:00+00:00" in text
    assert "premium incidents: 2 used, 1 reserved, 3 of 6 left" in text
    assert "phone: +49 30 1234" in text


def test_unlimited_incidents_are_called_that(server: Scripted) -> None:
    unlimited = {"limit": None, "used": 2, "reserved": 0, "left": None}
    contract = ACCOUNT["contract"] | {"premium_incidents": unlimited}
    server.on("GET /v1/account", Answer(ACCOUNT | {"contract": contract}))
    assert "premium incidents: 2 used, 0 reserved, unlimited" in run(server, "account").stdout


def test_staff_and_those_without_a_contract_have_an_account_too(server: Scripted) -> None:
    nothing = {"organisation": None, "plan": None, "webhook": None}
    none_yet = ACCOUNT | {"contract": None, "phone_number": None}
    server.on("GET /v1/account", Answer({"person": "Bo", "role": "lead", **nothing}), Answer(none_yet))
    assert run(server, "account").stdout == "Bo (lead)\n"
    assert "contract" not in run(server, "account").stdout


def test_mail_is_switched_on_and_off(server: Scripted) -> None:
    server.on("PUT /v1/account/contact", Answer({"email": "a@x.example", "language": "ru"}))
    assert "a@x.example (ru)" in run(server, "contact", "a@x.example", "--language", "ru").stdout
    assert "No more mail." in run(server, "contact", "--off").stdout
    assert [seen.document["email"] for seen in server.seen] == ["a@x.example", None]
    assert run(server, "contact").exit_code == 2
    assert run(server, "contact", "a@x.example", "--off").exit_code == 2


def test_a_call_that_is_still_required_cannot_be_overlooked(server: Scripted) -> None:
    due = {"phone_call_required": True, "phone_number": "+49 30 1234", "notices": ["Please also call us."]}
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION | due))
    server.on("GET /v1/submissions/SR-1/timeline", Answer({"items": []}))
    text = run(server, "status", "SR-1").stdout
    assert "still required: +49 30 1234" in text
    assert "Note: Please also call us." in text
    assert "2026-11-22 12:00+00:00 (calendar always)" in text
    assert "msa_business, a premium incident" in text


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        ("2999-11-24T06:00:00Z", "Release expected:       2999-11-24 06:00+00:00\n"),
        ("2020-11-24T06:00:00Z", "Release expected:       any moment, since 2020-11-24 06:00+00:00\n"),
    ],
)
def test_who_waits_for_a_release_is_told_when_to_expect_it(server: Scripted, stamp: str, said: str) -> None:
    server.on("GET /v1/submissions/SR-1", Answer(SUBMISSION | {"state": "determined", "expected_release_at": stamp}))
    server.on("GET /v1/submissions/SR-1/timeline", Answer({"items": []}))
    assert said in run(server, "status", "SR-1").stdout


def test_the_queue_shows_the_time_left_and_whose_case_it_is(server: Scripted) -> None:
    late = FOR_STAFF | {"seconds_left": -59 * 60}
    early = FOR_STAFF | {"seconds_left": 26 * 3600 + 5 * 60 + 59}
    told = FOR_STAFF | {"seconds_left": -9, "answered_at": "2026-11-22T11:00:00Z"}
    server.on("GET /v1/queue", Answer({"items": [late, early, told]}))
    lines = run(server, "queue").stdout.splitlines()
    assert [column in lines[0] for column in ("TIME LEFT", "GROUP", "SEVERITY")] == [True, True, True]
    assert " -0:59 " in lines[1]
    assert " 26:05 " in lines[2]
    assert " answered " in lines[3]
    assert all(" night " in line for line in lines[1:])


def test_a_call_is_logged_at_its_time_or_left_to_the_servers_clock(server: Scripted) -> None:
    server.on("GET /v1/submissions/SR-1", Answer(FOR_STAFF))
    server.on("POST /v1/submissions/SR-1/phone-call", Answer(FOR_STAFF))
    assert run(server, "decide", "phone-call", "SR-1").exit_code == 0
    at = ["--at", "2026-11-22T10:30:00Z", "--note", "From their office", "--revision", "2"]
    assert run(server, "decide", "phone-call", "SR-1", *at).exit_code == 0
    assert [seen.document for seen in server.seen if seen.method == "POST"] == [
        {},
        {"called_at": "2026-11-22T10:30:00+00:00", "note": "From their office"},
    ]
    held = [seen.headers["If-Match"] for seen in server.seen if seen.method == "POST"]
    assert held == ['"3"', '"2"']


def test_a_phone_request_gives_a_link_that_can_be_passed_on(server: Scripted) -> None:
    made = {"id": "PR-1", "upload": "/v1/uploads/tok-en_1", "expires_at": "2026-11-23T10:00:00Z"}
    server.on("POST /v1/phone-requests", Answer(made, 201))
    arguments = ["decide", "phone-request", "acme", *SAID, "--hosts-affected", "3", "--valid-hours", "2"]
    assert f"{server.url}/v1/uploads/tok-en_1" in run(server, *arguments).stdout
    assert json.loads(run(server, *arguments, "--json").stdout) == made | {"link": f"{server.url}/v1/uploads/tok-en_1"}
    assert server.seen[0].document == {
        "organisation": "acme",
        "valid_hours": 2,
        "submission": {
            "kind": "false_negative",
            "product": "av",
            "product_version": "9",
            "severity": 2,
            "database_version": "20261122.001",
            "contact": "ada@example.com",
            "expected_verdict": "malware",
            "details": {"hosts_affected": 3},
        },
    }


def test_the_contact_of_a_phone_request_is_never_the_analysts_own(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGREQ_CONTACT", "analyst@vendor.example")
    result = run(server, "decide", "phone-request", "acme", *CLAIM, "--database-version", "1")
    assert result.exit_code == 2
    assert "--contact" in result.stderr


def test_files_are_sent_by_a_link_without_a_key(server: Scripted, tmp_path: Path) -> None:
    files = [tmp_path / "one.exe", tmp_path / "two.exe"]
    for file in files:
        file.write_bytes(b"MZ")
    server.on("GET /v1/uploads/tok-en_1", Answer({"id": "PR-1"}))
    server.on("POST /v1/uploads/tok-en_1", Answer(SUBMISSION, 202))
    result = without_key("upload", f"{server.url}/v1/uploads/tok-en_1", *map(str, files))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "SR-7K3M-9QX2-4TFB" in result.stdout
    assert "Authorization" not in server.seen[1].headers
    assert server.seen[1].head.count(b'name="file"') == 2
    assert b'name="submission"' not in server.seen[1].head


def test_no_byte_of_a_file_leaves_by_a_link_that_is_used_up(server: Scripted, tmp_path: Path) -> None:
    file = tmp_path / "one.exe"
    file.write_bytes(b"MZ")
    gone = {"status": 410, "code": "upload_link_used", "detail": "This upload link was used."}
    server.on("GET /v1/uploads/token", Answer(gone, 410))
    result = without_key("upload", f"{server.url}/v1/uploads/token", str(file), "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, gone)
    assert server.asked == ["GET /v1/uploads/token"]


@pytest.mark.parametrize(
    "link", ["tok-en_1", "https://x.example/v1/uploads/", "x.example/v1/uploads/t", "https://x.example/v1/uploads/t/u"]
)
def test_half_a_link_is_a_mistake_of_the_command_line(link: str, tmp_path: Path) -> None:
    (tmp_path / "one.exe").write_bytes(b"MZ")
    result = without_key("upload", link, str(tmp_path / "one.exe"))
    assert result.exit_code == 2
    assert "LINK" in result.stderr


def test_whether_an_answer_is_the_qualified_one_can_be_said(server: Scripted) -> None:
    for verb in ("ask", "answer", "miss-reason"):
        server.on(f"POST /v1/submissions/SR-1/{verb}", Answer(FOR_STAFF))
    at = ["--revision", "2"]
    run(server, "decide", "ask", "SR-1", "Which?", *at)
    run(server, "decide", "ask", "SR-1", "All of this?", "--qualified", *at)
    run(server, "decide", "answer", "SR-1", "We look.", *at)
    run(server, "decide", "answer", "SR-1", "It is this.", "--qualified", *at)
    assert [seen.document["is_qualified"] for seen in server.seen] == [False, True, False, True]
    assert run(server, "decide", "miss-reason", "SR-1", "Nobody was there", *at).exit_code == 0
    assert server.seen[-1].document == {"reason": "Nobody was there"}


LINE: dict[str, Any] = {
    "plan": "gold",
    "severity": 1,
    "month": "2026-11",
    "met": 1999,
    "missed": 1,
    "attainment": 0.9995,
    "not_counted": 0,
    "running": 2,
    "p50_hours": 1.5,
    "p90_hours": None,
}
MISS = {
    "submission_id": "SR-1",
    "plan": "gold",
    "severity": 1,
    "due_at": "2026-11-22T12:00:00Z",
    "answered_at": "2026-11-22T12:06:00Z",
    "hours_late": 0.1,
    "reason": "Nobody was there",
}
REPORT: dict[str, Any] = {"since": "2026-11-01", "until": "2026-12-01", "lines": [LINE], "misses": [MISS]}


def test_the_report_shows_each_miss_and_never_rounds_up_to_all(server: Scripted) -> None:
    owed = MISS | {"answered_at": None, "hours_late": None, "reason": None}
    server.on("GET /v1/reports/attainment", Answer(REPORT | {"misses": [MISS, owed]}))
    lines = run(server, "report", "--since", "2026-11-01", "--until", "2026-12-01").stdout.splitlines()
    assert server.seen[0].query == {"since": "2026-11-01", "until": "2026-12-01"}
    assert lines[3].split() == ["gold", "1", "2026-11", "1999", "1", "99.9", "%", "0", "2", "1:30", "-"]
    assert lines[8].endswith("0:06  Nobody was there")
    assert lines[9].split()[-3:] == ["-", "-", "-"]


def test_a_report_without_promises_and_one_without_misses_say_so(server: Scripted) -> None:
    nothing = REPORT | {"lines": [], "misses": []}
    unanswered = LINE | {"met": 0, "missed": 0, "attainment": None}
    server.on("GET /v1/reports/attainment", Answer(nothing), Answer(REPORT | {"lines": [unanswered], "misses": []}))
    assert "no answer was promised" in run(server, "report").stdout
    text = run(server, "report").stdout
    assert text.endswith("Missed:\n\nNone.\n")
    assert "%  " not in text.splitlines()[3]


def test_the_report_is_printed_as_csv_or_json(server: Scripted) -> None:
    server.on("GET /v1/reports/attainment", Answer(content=b"plan,severity\r\ngold,1\r\n"))
    assert run(server, "report", "--csv").stdout.splitlines() == ["plan,severity", "gold,1"]
    assert server.seen[0].query == {"format": "csv"}
    assert run(server, "report", "--csv", "--json").exit_code == 2
    server.on("GET /v1/reports/attainment", Answer(REPORT))
    assert json.loads(run(server, "report", "--json").stdout) == REPORT


def test_an_answered_case_is_not_due_any_more(server: Scripted) -> None:
    answered = FOR_STAFF | {"answered_at": "2026-11-22T11:00:00Z"}
    server.on("GET /v1/submissions/SR-1", Answer(answered))
    server.on("GET /v1/submissions/SR-1/timeline", Answer({"items": []}))
    server.on("GET /v1/submissions", Answer({"items": [answered], "next_cursor": None}))
    text = run(server, "status", "SR-1").stdout
    assert "Answered:               2026-11-22 11:00+00:00" in text
    assert "due" not in text
    assert run(server, "list").stdout.splitlines()[1].endswith("answered")
