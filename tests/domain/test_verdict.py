"""What scans prove, and what they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Determination, Finding, Outcome, ScanResult, conclude, is_proved

CLEAN = ScanResult(Outcome.CLEAN)
HIT = ScanResult(Outcome.DETECTED, ("Rule",))
NONE = ScanResult.not_scanned("timeout")
FP, FN = Kind.FALSE_POSITIVE, Kind.FALSE_NEGATIVE

_kinds = st.sampled_from(Kind)
_scans = st.lists(st.sampled_from([CLEAN, HIT, NONE]), max_size=6)


def shown(kind: Kind, scans: list[ScanResult]) -> list[bool | None]:
    return [scan.shows_fault(kind) for scan in scans]


@pytest.mark.parametrize(
    ("kind", "claimed", "newest", "finding"),
    [
        (FP, [HIT], [HIT], Finding.SUPPORTED),
        (FP, [HIT], [CLEAN], Finding.REFUTED),
        (FP, [CLEAN], [CLEAN], Finding.NOT_REPRODUCED),
        (FP, [CLEAN], [HIT], Finding.NOT_REPRODUCED),
        (FN, [CLEAN], [CLEAN], Finding.SUPPORTED),
        (FN, [CLEAN], [HIT], Finding.REFUTED),
        (FN, [HIT], [HIT], Finding.NOT_REPRODUCED),
        (FP, [HIT, CLEAN], [CLEAN, CLEAN], Finding.REFUTED),
        (FP, [HIT, HIT], [CLEAN, HIT], Finding.SUPPORTED),
        (FP, [HIT], [NONE], Finding.UNDECIDED),
        (FP, [NONE, HIT], [CLEAN, CLEAN], Finding.UNDECIDED),
        (FP, [], [], Finding.UNDECIDED),
    ],
)
def test_the_known_answer_follows_from_both_scans(
    kind: Kind, claimed: list[ScanResult], newest: list[ScanResult], finding: Finding
) -> None:
    assert conclude(shown(kind, claimed), shown(kind, newest)) is finding


@given(_kinds, _scans, _scans)
def test_nothing_is_answered_without_an_analyst_unless_every_file_was_scanned(
    kind: Kind, claimed: list[ScanResult], newest: list[ScanResult]
) -> None:
    finding = conclude(shown(kind, claimed), shown(kind, newest))
    assert (finding is Finding.UNDECIDED) == (NONE in claimed or NONE in newest or not claimed or not newest)
    if finding is Finding.REFUTED:
        assert not any(scan.shows_fault(kind) for scan in newest)
        assert any(scan.shows_fault(kind) for scan in claimed)


@given(_kinds, _scans)
def test_proved_means_that_every_file_was_scanned_and_is_right(kind: Kind, scans: list[ScanResult]) -> None:
    right = CLEAN if kind is FP else HIT
    assert (is_proved(shown(kind, scans)) is True) == (bool(scans) and all(scan == right for scan in scans))
    wrong = HIT if kind is FP else CLEAN
    assert (is_proved(shown(kind, scans)) is False) == (wrong in scans)


@given(_kinds)
def test_what_was_not_scanned_is_neither_clean_nor_detected(kind: Kind) -> None:
    assert NONE.shows_fault(kind) is None


def test_only_a_confirmed_fault_or_the_customers_wish_needs_a_change() -> None:
    assert {each for each in Determination if each.needs_change} == {
        Determination.FALSE_POSITIVE_CONFIRMED,
        Determination.FALSE_NEGATIVE_CONFIRMED,
        Determination.CUSTOMER_OVERRIDE,
    }
