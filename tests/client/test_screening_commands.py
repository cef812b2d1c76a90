"""What screening found, as the command line tells it, against a real HTTP server."""

import json
from typing import Any

import pytest

from sigreq.cli.output import aligned, submission_text
from tests.client.server import Answer, Scripted
from tests.client.test_commands import SUBMISSION, run

PROGRAM: dict[str, Any] = {
    "format": "PE",
    "sections": [{"name": ".text", "size": 4096, "entropy": 6.125}, {"name": "", "size": 512, "entropy": 0.0}],
    "import_hash": "f" * 32,
    "signer": {"subject": "CN=Inert Tests", "issuer": "CN=Root", "serial": "0a", "is_intact": True},
}
IDENTITY: dict[str, Any] = {
    "size": 5120,
    "sha256": "a" * 64,
    "sha1": "b" * 40,
    "md5": "c" * 32,
    "tlsh": "T1" + "D" * 70,
    "mime": "application/x-dosexec",
    "description": "PE32 executable",
    "executable": PROGRAM,
    "outcome": "identified",
    "reason": None,
}
FILE: dict[str, Any] = {
    "position": 0,
    "parent": None,
    "name": "setup.exe",
    "identity": IDENTITY,
    "is_examined": True,
    "not_seen": [],
    "skipped": [],
    "finding": "supported",
    "scans": [],
}
FINDINGS = [
    ("supported", "the claimed version and the newest show the fault"),
    ("refuted", "the newest version no longer shows it"),
    ("not_reproduced", "the claimed version does not show it"),
    ("undecided", "something could not be examined"),
]
REPORT = "GET /v1/submissions/SR-1/report"


def page(count: int, start: int = 0, *, is_last: bool = True, **more: Any) -> Answer:
    """A page of the report with so many files."""
    found = [FILE | {"position": at, "parent": 0 if at else None} | more for at in range(start, start + count)]
    last = None if is_last else start + count - 1
    document = {"submission": "SR-1", "finding": "supported", "remarks": [], "files": found, "next_after": last}
    return Answer(document)


def told(server: Scripted, **more: Any) -> list[str]:
    """The lines about one file."""
    server.on(REPORT, page(1, **more))
    result = run(server, "files", "SR-1")
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def of_program(**more: Any) -> dict[str, Any]:
    """The identity of a program that differs so."""
    return IDENTITY | {"executable": PROGRAM | more}


def line(title: str, value: str) -> str:
    """A title and its value as they are aligned."""
    return f"{title + ':':<24}{value}"


IDENTIFIED = [
    line("SHA-256", "a" * 64),
    line("SHA-1", "b" * 40),
    line("MD5", "c" * 32),
    line("TLSH", "T1" + "D" * 70),
    line("Size", "5120 bytes"),
    line("Type", "PE32 executable (application/x-dosexec)"),
    line("Import hash", "f" * 32),
    line("Signer", "CN=Inert Tests, intact, chain not checked"),
    line("Section", ".text 4096 6.125"),
    line("Section", "- 512 0.0"),
]


def test_a_file_is_told_with_its_hashes_its_signer_and_its_sections(server: Scripted) -> None:
    claim = line("Claim", "supported (the claimed version and the newest show the fault)")
    assert told(server)[2:] == [line("File 0", "setup.exe"), *IDENTIFIED, claim]


def test_lookup_tells_the_same_of_a_sample(server: Scripted) -> None:
    item = {"organisation": "example", **IDENTITY, "submissions": []}
    server.on(f"GET /v1/samples/{'b' * 40}", Answer({"items": [item]}))
    lines = run(server, "lookup", "b" * 40).stdout.splitlines()
    assert lines == [line("Organisation", "example"), *IDENTIFIED]


@pytest.mark.parametrize(
    ("signer", "text"),
    [
        (PROGRAM["signer"] | {"is_intact": False}, "CN=Inert Tests, not intact, chain not checked"),
        (PROGRAM["signer"] | {"is_intact": None}, "CN=Inert Tests, signature and chain not checked"),
        (PROGRAM["signer"] | {"subject": None}, "certificate 0a of CN=Root, intact, chain not checked"),
        ({"identifier": "org.inert", "team": "T3"}, "org.inert, team T3, signature and chain not checked"),
        ({"identifier": "org.inert", "team": None}, "org.inert, signature and chain not checked"),
        (None, "none"),
    ],
)
def test_a_signer_is_told_with_what_was_checked(server: Scripted, signer: dict[str, Any] | None, text: str) -> None:
    assert line("Signer", text) in told(server, identity=of_program(signer=signer))


@pytest.mark.parametrize(("count", "last"), [(10, ".s9 1 0.5"), (11, "and 1 more"), (100, "and 90 more")])
def test_at_most_ten_sections_are_told(server: Scripted, count: int, last: str) -> None:
    sections = [{"name": f".s{number}", "size": 1, "entropy": 0.5} for number in range(count)]
    found = [each for each in told(server, identity=of_program(sections=sections)) if each.startswith("Section")]
    assert found[9] == line("Section", ".s9 1 0.5")
    assert found[-1] == line("Section", last)
    assert len(found) == min(count, 11)


def test_what_a_file_does_not_have_is_left_out(server: Scripted) -> None:
    bare = of_program(import_hash=None, sections=[]) | {"tlsh": None}
    lines = told(server, identity=bare)
    assert not [each for each in lines if each.startswith(("TLSH", "Import hash", "Section"))]


def test_a_program_that_was_too_large_to_be_read_is_not_called_unsigned(server: Scripted) -> None:
    lines = told(server, identity=IDENTITY | {"executable": {"format": "PE", "note": "too large"}})
    assert line("Program", "PE, not read: too large") in lines
    assert not [each for each in lines if each.startswith("Signer")]


def scan(purpose: str, version: str, at: str = "10:00:00", **more: Any) -> dict[str, Any]:
    """A scan without hits."""
    fields: dict[str, Any] = {"outcome": "clean", "detections": [], "reason": None, "is_reused": False}
    return {"purpose": purpose, "version": version, "at": f"2026-11-22T{at}Z", **fields, **more}


def test_scans_stand_in_the_order_of_their_purposes_and_then_of_time(server: Scripted) -> None:
    scans = [
        scan("gate", "5", "09:00:00"),
        scan("proof", "4"),
        scan("first_fixed", "3"),
        scan("claimed", "1b", "10:00:00.5"),
        scan("newest", "2", outcome="detected", detections=["Gen.X"], is_reused=True),
        scan("claimed", "1a", outcome="not_scanned", reason="timeout"),
    ]
    lines = told(server, scans=scans)
    assert lines[-6:] == [
        line("Scan, claimed 1a", "not_scanned [timeout]"),
        line("Scan, claimed 1b", "clean"),
        line("Scan, newest 2", "Gen.X, known from before"),
        line("Scan, first_fixed 3", "clean"),
        line("Scan, proof 4", "clean"),
        line("Scan, gate 5", "clean"),
    ]


def test_a_title_longer_than_the_column_is_followed_by_a_space(server: Scripted) -> None:
    assert told(server, scans=[scan("claimed", "20261122.1")])[-1] == "Scan, claimed 20261122.1: clean"
    assert [aligned([("x" * width, "y")]).index("y") for width in (21, 22, 23, 24)] == [24, 24, 25, 26]


def test_fifty_files_are_told_unless_more_are_asked_for(server: Scripted) -> None:
    server.on(REPORT, page(50, is_last=False), page(1, 50))
    result = run(server, "files", "SR-1")
    assert [each.query for each in server.seen] == [{"limit": "50"}]
    assert result.stdout.count("\nFile ") == 50
    assert result.stdout.endswith("\n\n... and more files; --limit 1000 shows more\n")


def test_no_more_pages_are_fetched_than_the_limit_needs(server: Scripted) -> None:
    server.on(REPORT, page(200, is_last=False), page(50, 200, is_last=False), page(1, 250))
    document = json.loads(run(server, "files", "SR-1", "--limit", "250", "--json").stdout)
    assert [each.query for each in server.seen] == [{"limit": "200"}, {"after": "199", "limit": "50"}]
    assert [each["position"] for each in document["files"]] == list(range(250))
    assert document["next_after"] == 249


def test_nothing_is_said_of_more_files_when_all_were_told(server: Scripted) -> None:
    server.on(REPORT, page(200, is_last=False), page(3, 200))
    result = run(server, "files", "SR-1", "--limit", "1000")
    assert len(server.seen) == 2
    assert result.stdout.count("\nFile ") == 203
    assert "more files" not in result.stdout


@pytest.mark.parametrize(("finding", "meaning"), FINDINGS)
def test_a_finding_is_told_with_what_it_means(server: Scripted, finding: str, meaning: str) -> None:
    assert line("Claim", f"{finding} ({meaning})") in told(server, finding=finding)
    assert (
        line("Screening", f"{finding} ({meaning})") in submission_text(SUBMISSION | {"finding": finding}).splitlines()
    )


def test_screening_that_goes_on_has_no_finding(server: Scripted) -> None:
    document: dict[str, Any] = {"submission": "SR-1", "finding": None, "remarks": [], "files": [], "next_after": None}
    server.on(REPORT, Answer(document))
    assert run(server, "files", "SR-1").stdout == "Screening: not finished\n"
    assert "Screening" not in submission_text(SUBMISSION | {"finding": None})


@pytest.mark.parametrize(
    ("state", "answered_at", "title"),
    [
        ("queued", None, "Answer due:"),
        ("closed", None, None),
        ("closed", "2026-11-22T11:00:00Z", "Answered:"),
    ],
)
def test_what_was_closed_without_an_answer_has_none_due(state: str, answered_at: str | None, title: str | None) -> None:
    text = submission_text(SUBMISSION | {"state": state, "answered_at": answered_at})
    found = [each.split("  ")[0] for each in text.splitlines() if each.startswith("Answer")]
    assert found == ([] if title is None else [title])


def test_limits_are_told_in_units_that_people_read(server: Scripted) -> None:
    document = {
        "submission": {"files": 20, "bytes": 2 << 30, "fields_bytes": 1000},
        "archives": {"members": 1000, "member_bytes": 3 << 19, "total_bytes": 64 << 10, "seconds": 60},
        "scan": {"seconds": 2.5},
        "lists": {"keys_of_a_person": 20},
        "outcomes": {"timeout": "it took longer than the time limit"},
    }
    server.on("GET /v1/limits", Answer(document))
    assert run(server, "limits").stdout.splitlines() == [
        "What may be sent in a submission",
        line("  files", "20"),
        line("  bytes", "2 GiB"),
        line("  fields_bytes", "1000 bytes"),
        "",
        "How far one sent file is unpacked",
        line("  members", "1,000"),
        line("  member_bytes", "1.5 MiB"),
        line("  total_bytes", "64 KiB"),
        line("  seconds", "60 s"),
        "",
        "How long one scan may take",
        line("  seconds", "2.5 s"),
        "",
        "How long the lists may become that people keep",
        line("  keys_of_a_person", "20"),
        "",
        "REASON   WHAT IT MEANS",
        "timeout  it took longer than the time limit",
    ]


def test_a_search_that_finds_nothing_says_what_was_looked_for(server: Scripted) -> None:
    server.on("GET /v1/rules/Gen.X/submissions", Answer({"items": []}))
    assert run(server, "decide", "hit-by", "Gen.X").stdout == "No open case was hit by Gen.X.\n"
    assert run(server, "decide", "hit-by", "Gen.X", "--all").stdout == "No case was hit by Gen.X.\n"
    nothing: dict[str, list[Any]] = {"same_content": [], "same_rule": [], "same_signer": [], "near_content": []}
    server.on("GET /v1/submissions/SR-1/similar", Answer(nothing))
    assert run(server, "decide", "similar", "SR-1").stdout == (
        "No other case has the content, a rule or the signer of SR-1, or nearly the same content.\n"
    )
