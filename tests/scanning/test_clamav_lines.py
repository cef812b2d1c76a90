"""What ClamAV's programs say is read strictly: no word about a file is no word that it is clean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.faults import Fault
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.clamav_lines import Answers, answers, known_viruses, loaded_signatures, why

NAMES = {"/a: b/one": "one", "/a: b/two": "two"}
CLEAN = ScanResult(Outcome.CLEAN)
MISSING = ScanResult.not_scanned("child_died")


def read(output: str, code: int | None) -> Answers:
    return answers(output, code, NAMES, Fault.CHILD_DIED, "ClamAV 1")


def detected(*names: str) -> ScanResult:
    return ScanResult(Outcome.DETECTED, names)


@pytest.mark.parametrize(
    ("output", "code", "one", "two"),
    [
        ("/a: b/one: OK\n/a: b/two: Empty file\n", 0, CLEAN, CLEAN),
        ("/a: b/one: YARA.X.UNOFFICIAL FOUND\n/a: b/two: OK\n", 1, detected("X"), CLEAN),
        ("/a: b/one: A.B.UNOFFICIAL FOUND\n/a: b/two: OK\n", 1, detected("A.B"), CLEAN),
        ("/a: b/one: YARA.Y.UNOFFICIAL FOUND\n/a: b/one: YARA.X.UNOFFICIAL FOUND\n/a: b/two: OK\n", 1,
         detected("X", "Y"), CLEAN),
        ("/a: b/one: X.UNOFFICIAL FOUND\n/a: b/one: X.UNOFFICIAL FOUND\n/a: b/two: OK\n", 1, detected("X"), CLEAN),
        ("/a: b/one: Win.Own-1 FOUND\n/a: b/two: OK\n", 1, detected("Win.Own-1"), CLEAN),
        ("/a: b/one: Heuristics.Encrypted.Zip FOUND\n/a: b/two: OK\n", 1,
         ScanResult.not_scanned("archive_encrypted"), CLEAN),
        ("/a: b/one: Heuristics.Encrypted.Zip FOUND\n/a: b/one: X.UNOFFICIAL FOUND\n/a: b/two: OK\n", 1,
         detected("X"), CLEAN),
        ("/a: b/one: Heuristics.Limits.Exceeded.MaxFileSize FOUND\n/a: b/two: OK\n", 1,
         ScanResult.not_scanned("archive_limit"), CLEAN),
        ("/a: b/one: Heuristics.Limits.Exceeded.MaxScanTime FOUND\n/a: b/two: OK\n", 1,
         ScanResult.not_scanned("timeout"), CLEAN),
    ],
)  # fmt: skip
def test_a_whole_answer_is_believed(output: str, code: int, one: ScanResult, two: ScanResult) -> None:
    assert read(output, code) == Answers({"one": one, "two": two}, is_whole=True)


@pytest.mark.parametrize(
    ("output", "code", "one"),
    [
        ("", 0, MISSING),
        ("", None, MISSING),
        ("/a: b/one: OK\n", 0, MISSING),
        ("/a: b/one: OK\n/a: b/two: OK\n", 1, MISSING),
        ("/a: b/one: OK\n/a: b/two: OK\n", 2, MISSING),
        ("/a: b/one: OK\n/a: b/two: OK\n", -11, MISSING),
        ("/a: b/one: X.UNOFFICIAL FOUND\n/a: b/two: OK\n", 0, detected("X")),
        ("/a: b/one: X.UNOFFICIAL FOUND\n/a: b/two: OK\n", 2, detected("X")),
        ("/a: b/one: X.UNOFFICIAL FOUND\n", 1, detected("X")),
        ("/a: b/one: X.UNOFFICIAL FOUND\n/a: b/one: OK\n/a: b/two: OK\n", 1, detected("X")),
        ("/a: b/one: OK\n/a: b/one: OK\n/a: b/two: OK\n", 0, ScanResult.not_scanned("scan_error")),
        ("/a: b/one: Can't open file ERROR\n/a: b/two: OK\n", 2, ScanResult.not_scanned("scan_error")),
        ("/a: b/one: Excluded\n/a: b/two: OK\n", 0, ScanResult.not_scanned("scan_error")),
        ("/elsewhere/one: OK\n/a: b/two: OK\n", 0, MISSING),
    ],
)
def test_in_an_answer_that_is_not_whole_nothing_is_clean(output: str, code: int | None, one: ScanResult) -> None:
    found = read(output, code)
    assert not found.is_whole
    assert found.by_name["one"] == one
    assert found.by_name["two"] == MISSING


@given(st.text(), st.sampled_from([None, 0, 1, 2, -9]))
def test_whatever_is_said_each_file_has_an_answer_and_clean_needs_a_line_of_its_own(said: str, code: int) -> None:
    found = read(said, code)
    assert found.by_name.keys() == {"one", "two"}
    for name, each in found.by_name.items():
        assert each.outcome is not Outcome.CLEAN or f"{name}: " in said


def test_the_numbers_of_signatures_are_read() -> None:
    assert known_viruses("\nKnown viruses: 31\nEngine version: 1.4.6\n") == 31
    assert known_viruses("x: Known viruses: 31") is None
    assert loaded_signatures("Bytecode: no\nThu Nov 26 -> Loaded 31 signatures.\n") == 31
    assert loaded_signatures("") is None


def test_why_a_bundle_is_refused_names_no_private_folder() -> None:
    errors = "LibClamAV Error: Can't load /private/x.hsb: Malformed database\nERROR: Malformed database\n"
    assert why(errors, "/private") == "Can't load x.hsb: Malformed database; Malformed database"
    assert why("Known viruses: 3", "/private") == ""
