"""The gate's rules: what has to be scanned, what is wrong with what was found, and how long a pass holds."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sigreq.domain.changes import AddedHash, AddedRule, AllowedHash, RetiredSignature
from sigreq.domain.examination import ALLOWED, File, with_hash
from sigreq.domain.faults import Fault
from sigreq.domain.findings import MOST_TROUBLES, Code, Findings, Trouble, by_engine
from sigreq.domain.gate_reasons import AsTold, SampleNotScanned, WhyNoPass, rule_fault
from sigreq.domain.gating import (
    Case,
    Seen,
    expected_names,
    judge_clean,
    judge_fault,
    judge_requested,
    judge_solved,
    narrowed,
    why_stale,
    widened,
    with_candidate,
)
from sigreq.domain.lint import Problem
from sigreq.domain.reasons import (
    AllWithdrawn,
    CaseSolved,
    CompanionGone,
    CorpusChanged,
    FirstPublished,
    OtherNewest,
    RivalApproved,
    TargetAdded,
    WhyStale,
)
from sigreq.domain.ruleset import Ruleset, pin_of
from sigreq.domain.submission import Kind, SampleFacts
from sigreq.domain.verdict import Outcome, ScanResult

CLEAN = ScanResult(Outcome.CLEAN)
UNSEEN = ScanResult.not_scanned(Fault.TIMEOUT)
_words = st.text("abc", min_size=1, max_size=2)
_rules = st.dictionaries(st.sampled_from(["One", "Two", "Three"]), _words, max_size=3)
_hashes = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["Four", "Five"]), max_size=2)


@st.composite
def _rulesets(draw: st.DrawFn) -> Ruleset:
    rules = draw(_rules)
    disabled = {name: pin_of(word) for name, word in rules.items() if draw(st.booleans())}
    return Ruleset(rules, draw(st.frozensets(st.sampled_from("xy"), max_size=2)), draw(_hashes), disabled)


def _scan(ruleset: Ruleset, sha256: str, text: str) -> ScanResult:
    """What a scanner would say, were each rule a word to look for."""
    if sha256 in ruleset.allowed:
        return ALLOWED
    names = tuple(sorted(name for name, word in ruleset.in_force.items() if word in text))
    return with_hash(ruleset, sha256, ScanResult(Outcome.DETECTED, names) if names else CLEAN)


@given(_rulesets(), _rulesets(), st.sampled_from("xyz"), st.text("abc", max_size=5))
@example(Ruleset(hashes={"x": "Four", "y": "Four"}), Ruleset(hashes={"x": "Four"}), "x", "")
def test_scanning_what_is_new_tells_as_much_as_scanning_everything(
    base: Ruleset, candidate: Ruleset, sha256: str, text: str
) -> None:
    # What the base allows was not scanned with it: a candidate that does not allow it any more is a train's matter.
    base = replace(base, allowed=base.allowed & candidate.allowed)
    before, new = _scan(base, sha256, text), _scan(widened(base, candidate), sha256, text)
    assert with_candidate(before, new, narrowed(base, candidate)) == _scan(candidate, sha256, text)


@given(_rulesets())
def test_nothing_is_new_in_the_same(ruleset: Ruleset) -> None:
    same = widened(ruleset, ruleset)
    assert (same.in_force, same.hashes, narrowed(ruleset, ruleset)) == ({}, {}, frozenset())


def test_what_was_not_seen_is_not_clean() -> None:
    assert with_candidate(UNSEEN, CLEAN, frozenset()).outcome is Outcome.NOT_SCANNED
    assert with_candidate(CLEAN, UNSEEN, frozenset()).outcome is Outcome.NOT_SCANNED
    assert with_candidate(UNSEEN, _hit("New"), frozenset()).detections == ("New",)
    assert with_candidate(_hit("Old"), UNSEEN, frozenset({"Old"})).outcome is Outcome.NOT_SCANNED


def _hit(*names: str) -> ScanResult:
    return ScanResult(Outcome.DETECTED, names)


def _case(kind: Kind, *names: str, faults: tuple[Fault, ...] | None = ()) -> Case:
    files = [
        File(at, None, name, SampleFacts(name, 10, name, "sha1", "md5"), faults) for at, name in enumerate(names or "x")
    ]
    return Case("SR-1", kind, files)


def _codes(troubles: list[Trouble]) -> list[Code]:
    return [each.code for each in troubles]


NONE = frozenset[str]()
FP, FN = Kind.FALSE_POSITIVE, Kind.FALSE_NEGATIVE


@pytest.mark.parametrize(
    ("kind", "result", "wanted", "codes"),
    [
        (FP, CLEAN, NONE, []),
        (FP, _hit("Any"), NONE, [Code.STILL_DETECTED]),
        (FP, _hit("Other"), NONE, []),
        (FP, UNSEEN, NONE, [Code.NOT_SCANNED]),
        (FN, _hit("New"), {"New"}, []),
        (FN, _hit("Any"), {"New"}, [Code.NOT_DETECTED]),
        (FN, _hit("Any"), NONE, []),
        (FN, CLEAN, {"New"}, [Code.NOT_DETECTED]),
        (FN, CLEAN, NONE, [Code.NOT_DETECTED]),
        (FN, UNSEEN, {"New"}, [Code.NOT_SCANNED]),
    ],
)
def test_the_requesters_own_files_decide(kind: Kind, result: ScanResult, wanted: set[str], codes: list[Code]) -> None:
    excused = frozenset({"Other"})
    assert _codes(judge_requested(_case(kind), {"x": result}, frozenset(wanted), excused)) == codes


def test_every_file_of_a_case_has_to_be_helped() -> None:
    troubles = judge_requested(_case(FP, "x", "y"), {"x": CLEAN, "y": _hit("Any")}, NONE, NONE)
    assert [(each.sha256, each.signatures) for each in troubles] == [("y", ("Any",))]


@pytest.mark.parametrize(
    ("is_kept", "result", "codes"),
    [
        (False, CLEAN, []),
        (False, ALLOWED, []),
        (False, _hit("New"), [Code.DETECTED_AGAIN]),
        (False, UNSEEN, [Code.NOT_SCANNED]),
        (True, _hit("Any"), []),
        (True, CLEAN, [Code.DETECTION_LOST]),
        (True, ALLOWED, [Code.DETECTION_LOST]),
        (True, UNSEEN, [Code.NOT_SCANNED]),
    ],
)
def test_a_solved_case_stays_as_it_was_solved(is_kept: bool, result: ScanResult, codes: list[Code]) -> None:  # noqa: FBT001
    troubles, why_not = judge_solved(_case(FP), {"x": result}, is_kept=is_kept)
    assert (_codes(troubles), why_not) == (codes, None)


def test_what_could_not_be_seen_of_an_archive_with_a_detected_member_is_named() -> None:
    files = [
        File(at, parent, name, SampleFacts(name, 10, name, "sha1", "md5"), ())
        for at, (name, parent) in enumerate([("zip", None), ("inner", 0), ("broken", 1), ("slow", 0)])
    ]
    results = {"zip": CLEAN, "inner": _hit("Any"), "broken": ScanResult.not_scanned(Fault.SCAN_ERROR), "slow": UNSEEN}
    (trouble,), _ = judge_solved(Case("SR-1", FN, files), results, is_kept=True)
    assert trouble.said == SampleNotScanned("SR-1", "zip", Fault.TIMEOUT)


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("reason", [Fault.SAMPLE_MISSING, Fault.SAMPLE_CORRUPT])
def test_a_sample_that_is_gone_is_named_and_neither_passed_nor_failed(is_kept: bool, reason: Fault) -> None:  # noqa: FBT001
    assert judge_solved(_case(FP), {"x": ScanResult.not_scanned(reason)}, is_kept=is_kept) == ([], reason)


def test_what_never_could_be_looked_into_is_named_and_still_must_not_be_hit() -> None:
    case = _case(FP, faults=(Fault.ARCHIVE_ENCRYPTED,))
    assert judge_solved(case, {"x": CLEAN}, is_kept=False) == ([], Fault.ARCHIVE_ENCRYPTED)
    troubles, why_not = judge_solved(case, {"x": _hit("New")}, is_kept=False)
    assert (_codes(troubles), why_not) == ([Code.DETECTED_AGAIN], Fault.ARCHIVE_ENCRYPTED)
    assert judge_solved(_case(FP, faults=None), {"x": CLEAN}, is_kept=False)[1] is Fault.NOT_EXAMINED


def test_a_clean_file_may_not_be_hit_nor_left_out() -> None:
    troubles = judge_clean({"x": CLEAN, "y": _hit("New"), "z": UNSEEN})
    assert [(each.code, each.sha256) for each in troubles] == [(Code.CLEAN_DETECTED, "y"), (Code.NOT_SCANNED, "z")]


SEEN = Seen("1", 7, 3, frozenset({"CH-1"}), frozenset({"yara"}))


def _now(base: str | None, solved: int, corpus: int, *more: frozenset[str], waiting: str = "CH-1") -> Seen:
    """The world later, in which this waits for a release."""
    alongside, targets = (*more, frozenset(), frozenset())[:2]
    return Seen(base, solved, corpus, alongside, targets, frozenset({waiting}))


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (_now("1", 7, 3), None),
        (_now("1", 7, 3, frozenset({"CH-1"})), None),
        (_now("1", 6, 3), None),
        (_now("1", 7, 3, frozenset(), frozenset({"yara"})), None),
        (_now("1", 7, 3, frozenset(), frozenset({"yara", "clamav"})), TargetAdded("clamav")),
        (_now("2", 7, 3), OtherNewest("1", "2")),
        (_now(None, 7, 3), AllWithdrawn("1")),
        (_now("1", 8, 3), CaseSolved()),
        (_now("1", 7, 4), CorpusChanged()),
        (_now("1", 7, 3, frozenset({"CH-1", "CH-2"})), RivalApproved("CH-2")),
        (_now("1", 7, 3, waiting="CH-3"), CompanionGone("CH-1")),
    ],
)
def test_a_pass_holds_while_the_world_is_as_it_was(now: Seen, why: WhyStale | None) -> None:
    assert why_stale(SEEN, now) == why


def test_a_pass_on_no_version_at_all_does_not_outlive_the_first() -> None:
    first = why_stale(Seen(None, 7, 3), Seen("1", 7, 3))
    assert (first, str(first)) == (
        FirstPublished("1"),
        "it was tested against nothing, and 1 is the newest version now",
    )


def test_a_missed_file_has_to_be_detected_by_what_the_change_brings() -> None:
    assert expected_names(AddedRule("New", "source")) == {"New"}
    assert expected_names(AddedHash("x", "New")) == {"New"}
    assert expected_names(RetiredSignature("Old")) == expected_names(AllowedHash("x")) == frozenset()


_troubles = st.builds(
    Trouble,
    st.sampled_from(Code),
    st.sampled_from(get_args(WhyNoPass)).flatmap(st.builds),
    st.none() | st.just("SR-1"),
    st.none() | st.just("x"),
    st.lists(st.sampled_from(["One", "Two"]), max_size=2).map(tuple),
    st.none() | st.just("yara"),
    st.none() | st.integers(1, 9),
)
_findings = st.builds(
    Findings,
    st.lists(_troubles, max_size=4).map(tuple),
    st.integers(0, 3),
    unseen=st.lists(st.just({"submission_id": "SR-1", "why": "gone"}), max_size=2).map(tuple),
)


@given(st.lists(_findings, max_size=4))
def test_findings_survive_being_kept_and_added_up(parts: list[Findings]) -> None:
    read = [Findings.read(each.document()) for each in parts]
    assert read == parts
    whole = Findings.sum(read)
    assert len(whole.troubles) == sum(len(each.troubles) for each in parts)
    assert len(whole.unseen) == sum(len(each.unseen) for each in parts)


def test_what_was_kept_when_there_were_no_reasons_or_others_is_read_as_it_was_told() -> None:
    old = Trouble.read({"code": "not_loaded", "message": "line 1 [yara]", "engine": "yara"})
    assert (str(old.said), old.message) == ("line 1", "line 1 [yara]")
    for reason in (
        {"code": "of_tomorrow", "text": "later"},
        {"code": "of_tomorrow", "text": "later", "told": "a part of it"},
        {"code": "rule_fault", "text": "later", "rule": "One"},
    ):
        assert Trouble.read({"code": "lint", "message": "later", "reason": reason}).said == AsTold("later")


@pytest.mark.parametrize("place", [(None, None), (3, None), (3, 5)])
def test_a_fault_of_a_rule_is_told_with_its_place(place: tuple[int | None, int | None]) -> None:
    problem = Problem("one_rule", "must hold exactly one rule", *place)
    assert str(rule_fault("Bad", problem)) == f"Bad: {problem}"


def test_no_trouble_is_lost_without_a_word() -> None:
    many = Findings().plus(by_engine("yara", [Trouble(Code.LINT, AsTold("wrong"))] * (MOST_TROUBLES + 5)))
    document = many.document()
    assert (len(document["troubles"]), document["left_out"]) == (MOST_TROUBLES, 5)
    reason = {"code": "as_told", "text": "wrong", "told": "wrong"}
    assert document["troubles"][0] == {
        "code": "lint",
        "message": "wrong [yara]",
        "reason": reason,
        "engine": "yara",
    }


def test_no_case_is_left_out_because_others_have_many_troubles() -> None:
    again = [
        Trouble(Code.DETECTED_AGAIN, AsTold("again"), f"SR-{at // 50}", str(at)) for at in range(MOST_TROUBLES + 150)
    ]
    lost = [
        Trouble(Code.DETECTION_LOST, AsTold("lost"), "SR-0"),
        Trouble(Code.DETECTION_LOST, AsTold("lost more"), "SR-0"),
    ]
    part = Findings().plus([*again, *lost])
    kept = Findings.read(part.document())
    assert len(kept.troubles) == MOST_TROUBLES + 4
    assert {each.submission_id for each in kept.troubles} == {f"SR-{number}" for number in range(7)}
    assert [each.message for each in kept.troubles[-1:]] == ["lost"]
    assert kept.left_out + len(kept.troubles) == len(part.troubles)
    assert (len(kept.shown().troubles), kept.shown().left_out) == (MOST_TROUBLES, len(part.troubles) - MOST_TROUBLES)


@pytest.mark.parametrize(
    ("shown", "codes"),
    [
        ([True, None, False], []),
        ([False, None], [Code.NOT_SCANNED]),
        ([False, False], [Code.FAULT_NOT_SHOWN]),
        ([], [Code.FAULT_NOT_SHOWN]),
    ],
)
def test_that_a_fault_does_not_show_is_said_only_where_every_file_was_seen(
    shown: list[bool | None], codes: list[Code]
) -> None:
    assert [each.code for each in judge_fault("SR-1", shown)] == codes
