"""The gate's rules: what a change or a train must show before it may go out, and how long that holds."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sigreq.domain.changes import AddedHash, AddedRule, Content, Renamed
from sigreq.domain.examination import ALLOWED, File, overall, shown
from sigreq.domain.faults import Fault, blocking
from sigreq.domain.findings import Code, Trouble
from sigreq.domain.gate_reasons import (
    CleanDetected,
    CleanNotScanned,
    FaultNotSeen,
    FaultNotShown,
    SampleDetectedAgain,
    SampleLost,
    SampleNotDetected,
    SampleNotDetectedBy,
    SampleNotScanned,
    SampleStillDetected,
)
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
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.domain.worded import Reason


class Purpose(StrEnum):
    """What a run is for: one change, a whole train before it is published, or a version after it was."""

    CHANGE = "change"
    TRAIN = "train"
    RECHECK = "recheck"


class RunState(StrEnum):
    """Where a run stands. There is no fourth: what could not run has failed."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class PartKind(StrEnum):
    """What is looked at in a part of a run.

    Requested: the files of the cases that the change helps. Earlier: solved cases that must not be detected. Kept:
    solved cases that must stay detected. Clean: the clean corpus.
    """

    REQUESTED = "requested"
    EARLIER = "earlier"
    KEPT = "kept"
    CLEAN = "clean"


def narrowed(base: Ruleset, candidate: Ruleset) -> frozenset[str]:
    """The signatures of the base that detect less in the candidate, by name."""
    rules = {name for name, source in base.in_force.items() if candidate.in_force.get(name) != source}
    hashes = {name for sha256, name in base.hashes.items() if candidate.hashes.get(sha256) != name}
    return frozenset(rules | hashes)


def widened(base: Ruleset, candidate: Ruleset) -> Ruleset:
    """All of the candidate that detects what the base does not: it alone has to be scanned for new detections.

    That is exact because no rule can refer to another: each is compiled in a namespace of its own. What is left of a
    name that lost a part is looked at again, as a detection tells the name only.
    """
    gone = narrowed(base, candidate)
    return Ruleset(
        {
            name: source
            for name, source in candidate.in_force.items()
            if name in gone or base.in_force.get(name) != source
        },
        candidate.allowed,
        {sha256: name for sha256, name in candidate.hashes.items() if name in gone or base.hashes.get(sha256) != name},
    )


def with_candidate(before: ScanResult, new: ScanResult, gone: frozenset[str]) -> ScanResult:
    """What a file's content shows with the candidate: what it showed before without what is gone, and what is new."""
    if new == ALLOWED:
        return ALLOWED
    detections = tuple(sorted((set(before.detections) - gone) | set(new.detections)))
    if detections:
        return ScanResult(Outcome.DETECTED, detections)
    unseen = [each for each in (before, new) if each.outcome is Outcome.NOT_SCANNED]
    return unseen[0] if unseen else ScanResult(Outcome.CLEAN)


def expected_names(content: Content) -> frozenset[str]:
    """The names under which a change must make a missed file detected; empty where any name will do."""
    if isinstance(content, AddedRule):
        return frozenset({content.rule})
    if isinstance(content, AddedHash):
        return frozenset({content.name})
    return frozenset({content.to}) if isinstance(content, Renamed) else frozenset()


@dataclass(frozen=True)
class Case:
    """A case as the gate sees it: its files, sent or found in others."""

    id: str
    kind: Kind
    files: Sequence[File]


Results = Mapping[str, ScanResult]
"""By the content's SHA-256."""


def judge_requested(case: Case, results: Results, wanted: frozenset[str], excused: frozenset[str]) -> list[Trouble]:
    """What the requesters' own files say against a change.

    Those of a false positive must be hit by nothing, save what other changes of this case take care of (`excused`);
    those of a false negative under one of the names wanted.
    """
    found = overall(case.files, results)
    troubles: list[Trouble] = []
    for file in (each for each in case.files if each.parent is None):
        result, said = found[file.position], _Said(case, file)
        left = tuple(name for name in result.detections if name not in excused)
        if case.kind is Kind.FALSE_POSITIVE and left:
            troubles.append(said.trouble(Code.STILL_DETECTED, SampleStillDetected(*said.about, ", ".join(left)), left))
        elif case.kind is Kind.FALSE_NEGATIVE and _is_missed_by(result, wanted):
            names = tuple(sorted(wanted))
            why = SampleNotDetectedBy(*said.about, ", ".join(names)) if names else SampleNotDetected(*said.about)
            troubles.append(said.trouble(Code.NOT_DETECTED, why, names))
        elif result.outcome is Outcome.NOT_SCANNED:
            troubles.append(said.not_scanned(result.reason))
    return troubles


def _is_missed_by(result: ScanResult, wanted: frozenset[str]) -> bool:
    if result.outcome is Outcome.NOT_SCANNED:
        return False  # which is a trouble of its own
    return not (wanted & set(result.detections) if wanted else result.detections)


def judge_solved(case: Case, results: Results, *, is_kept: bool) -> tuple[list[Trouble], str | None]:
    """What a solved case says against a candidate, and why it could not be seen whole, if that is so.

    One that must stay clean may be hit by nothing; one that must stay detected (`is_kept`), still by something. What is
    not there any more, or never could be looked into, is named and is no trouble, whatever else is.
    """
    troubles = _lost(case, results) if is_kept else _back(case, results)
    why_not = next(iter(_unseen(case, results)), None)
    if why_not is not None:
        troubles = [each for each in troubles if each.code is not Code.NOT_SCANNED]
    return troubles, why_not


def _unseen(case: Case, results: Results) -> Iterator[str]:
    for file in case.files:
        yield from blocking(file.faults if file.faults is not None else [Fault.NOT_EXAMINED])
        result = results.get(file.facts.sha256) if file.facts else None
        if result is not None and result.reason in {Fault.SAMPLE_MISSING, Fault.SAMPLE_CORRUPT}:
            yield str(result.reason)


def _back(case: Case, results: Results) -> list[Trouble]:
    found = overall(case.files, results)
    troubles = []
    for file in (each for each in case.files if each.parent is None):
        result, said = found[file.position], _Said(case, file)
        if result.detections:
            why = SampleDetectedAgain(*said.about, ", ".join(result.detections))
            troubles.append(said.trouble(Code.DETECTED_AGAIN, why, result.detections))
        elif result.outcome is Outcome.NOT_SCANNED:
            troubles.append(said.not_scanned(result.reason))
    return troubles


def _lost(case: Case, results: Results) -> list[Trouble]:
    troubles = []
    faults = shown(Kind.FALSE_NEGATIVE, case.files, results)
    for file in (each for each in case.files if each.parent is None):
        said = _Said(case, file)
        if faults[file.position]:
            troubles.append(said.trouble(Code.DETECTION_LOST, SampleLost(*said.about)))
        elif faults[file.position] is None:
            # What is detected, with all it holds, says nothing of the rest: it is passed over as what is allowed.
            left = {sha256: ALLOWED if result.detections else result for sha256, result in results.items()}
            troubles.append(said.not_scanned(overall(case.files, left)[file.position].reason))
    return troubles


def judge_clean(results: Results) -> list[Trouble]:
    """What clean files say against new rules: none may be hit, and none may be left unscanned."""
    troubles = []
    for sha256, result in results.items():
        if result.detections:
            why = CleanDetected(sha256, ", ".join(result.detections))
            troubles.append(Trouble(Code.CLEAN_DETECTED, why, None, sha256, result.detections))
        elif result.outcome is Outcome.NOT_SCANNED:
            troubles.append(Trouble(Code.NOT_SCANNED, CleanNotScanned(sha256, str(result.reason)), None, sha256))
    return troubles


def judge_fault(submission_id: str, shown: Collection[bool | None]) -> list[Trouble]:
    """What was never seen cannot be shown to be gone. `shown` says of each file whether the published rules show it."""
    if True in shown:
        return []
    if None in shown:
        return [Trouble(Code.NOT_SCANNED, FaultNotSeen(submission_id), submission_id)]
    return [Trouble(Code.FAULT_NOT_SHOWN, FaultNotShown(submission_id), submission_id)]


@dataclass(frozen=True)
class _Said:
    case: Case
    file: File

    @property
    def about(self) -> tuple[str, str]:
        return self.case.id, self.file.facts.sha256 if self.file.facts else self.file.name

    def trouble(self, code: Code, why: Reason, signatures: tuple[str, ...] = ()) -> Trouble:
        sha256 = self.file.facts.sha256 if self.file.facts else None
        return Trouble(code, why, self.case.id, sha256, signatures)

    def not_scanned(self, fault: str | None) -> Trouble:
        return self.trouble(Code.NOT_SCANNED, SampleNotScanned(*self.about, str(fault)))


@dataclass(frozen=True)
class Seen:
    """What a run saw of the world: a pass holds as long as the world is no other.

    `solved` is the number of the newest solved case, `corpus` the revision of the clean corpus, `alongside` the
    changes that waited for a release and were part of the candidate, `targets` the engines it was tried in. `waiting`
    are all that wait, where that is asked.
    """

    base: str | None
    solved: int
    corpus: int
    alongside: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()


def why_stale(seen: Seen, now: Seen) -> WhyStale | None:
    """Why a pass does not hold any more; None when it does. `now.alongside` are only those that matter to it."""
    if seen.base != now.base:
        return _why_other_base(seen.base, now.base)
    if now.solved > seen.solved:
        return CaseSolved()
    if now.corpus != seen.corpus:
        return CorpusChanged()
    untried = sorted(now.targets - seen.targets)
    if untried:
        return TargetAdded(", ".join(untried))
    missed = sorted(now.alongside - seen.alongside)
    if missed:
        return RivalApproved(", ".join(missed))
    gone = sorted(seen.alongside - now.waiting)  # what came out meanwhile is in another base
    return CompanionGone(", ".join(gone)) if gone else None


def _why_other_base(tested: str | None, newest: str | None) -> WhyStale:
    if tested is not None and newest is not None:
        return OtherNewest(tested, newest)
    return FirstPublished(newest) if newest is not None else AllWithdrawn(tested or "")
