"""ClamAV looks into archives by itself; its word is read as that of an engine that does not."""

from sigreq.domain.examination import File, shown
from sigreq.domain.submission import Kind, SampleFacts
from sigreq.domain.two_engines import of_each_itself, opened
from sigreq.domain.verdict import Outcome, ScanResult

CLEAN = ScanResult(Outcome.CLEAN)
HIT = ScanResult(Outcome.DETECTED, ("Hit",))


def file(position: int, parent: int | None, sha256: str) -> File:
    return File(position, parent, sha256, SampleFacts(sha256, 1, sha256, "0" * 40, "0" * 32), ())


ARCHIVE = [file(0, None, "zip"), file(1, 0, "one"), file(2, 0, "two")]


def test_a_lock_hides_nothing_that_is_scanned_apart() -> None:
    locked, slow = ScanResult.not_scanned("archive_encrypted"), ScanResult.not_scanned("timeout")
    assert opened({"a": locked, "b": slow, "c": HIT, "d": CLEAN}) == {"a": CLEAN, "b": slow, "c": HIT, "d": CLEAN}


def test_one_bad_file_in_an_archive_does_not_speak_for_the_others() -> None:
    said = {"zip": HIT, "one": HIT, "two": CLEAN}
    found = of_each_itself(ARCHIVE, said, {"zip": CLEAN, "one": HIT, "two": CLEAN})
    assert found == {"zip": CLEAN, "one": HIT, "two": CLEAN}
    assert shown(Kind.FALSE_NEGATIVE, ARCHIVE, said) == {0: False}, "as ClamAV says it, nothing is missed"
    assert shown(Kind.FALSE_NEGATIVE, ARCHIVE, found) == {0: True}


def test_an_archive_that_is_detected_for_itself_stays_so() -> None:
    both = ScanResult(Outcome.DETECTED, ("Hit", "Inside"))
    found = of_each_itself(ARCHIVE, {"zip": both, "one": CLEAN, "two": CLEAN}, {"zip": HIT})
    assert found["zip"] == HIT
    assert shown(Kind.FALSE_NEGATIVE, ARCHIVE, found) == {0: False}


def test_what_could_not_be_scanned_stays_so() -> None:
    slow = ScanResult.not_scanned("timeout")
    assert of_each_itself(ARCHIVE, {"zip": slow, "one": slow}, {}) == {"zip": slow, "one": slow}
