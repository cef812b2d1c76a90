"""What keeps something from passing the gate, as facts in the way of `worded`: kept in reports, translated on pages."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

from sigreq.domain.lint import Problem
from sigreq.domain.reasons import WhyInapplicable
from sigreq.domain.worded import Reason

# --- before anything is scanned ------------------------------------------------------------------------------


@dataclass(frozen=True)
class NothingToChange(Reason):
    """no database version is published yet; there is nothing to change"""


@dataclass(frozen=True)
class RuleFault(Reason):
    """{rule}: {told}"""

    rule: str
    told: str


@dataclass(frozen=True)
class RuleFaultInLine(Reason):
    """{rule}: line {line}: {told}"""

    rule: str
    line: int
    told: str


@dataclass(frozen=True)
class RuleFaultAt(Reason):
    """{rule}: line {line}, column {column}: {told}"""

    rule: str
    line: int
    column: int
    told: str


@dataclass(frozen=True)
class RulesNotLoaded(Reason):
    """the rules cannot be loaded ({fault})"""

    fault: str


@dataclass(frozen=True)
class SignaturesNotLoaded(Reason):
    """the signatures cannot be loaded: {told}"""

    told: str


# --- a case or a clean file speaks against it ----------------------------------------------------------------


@dataclass(frozen=True)
class SampleStillDetected(Reason):
    """{case}: sample {sample} is still detected by {by}"""

    case: str
    sample: str
    by: str


@dataclass(frozen=True)
class SampleNotDetected(Reason):
    """{case}: sample {sample} is not detected"""

    case: str
    sample: str


@dataclass(frozen=True)
class SampleNotDetectedBy(Reason):
    """{case}: sample {sample} is not detected by {by}"""

    case: str
    sample: str
    by: str


@dataclass(frozen=True)
class SampleDetectedAgain(Reason):
    """{case}: sample {sample} would be detected again, by {by}"""

    case: str
    sample: str
    by: str


@dataclass(frozen=True)
class SampleLost(Reason):
    """{case}: sample {sample} would not be detected any more"""

    case: str
    sample: str


@dataclass(frozen=True)
class SampleNotScanned(Reason):
    """{case}: sample {sample} could not be scanned ({fault})"""

    case: str
    sample: str
    fault: str


@dataclass(frozen=True)
class FaultNotSeen(Reason):
    """{case}: whether the published rules show this fault could not be seen"""

    case: str


@dataclass(frozen=True)
class FaultNotShown(Reason):
    """{case}: the published rules do not show this fault, so no change of them can mend it"""

    case: str


@dataclass(frozen=True)
class CleanDetected(Reason):
    """clean file {sha256} is detected by {by}"""

    sha256: str
    by: str


@dataclass(frozen=True)
class CleanNamed(Reason):
    """clean file {sha256} would be detected as {name}"""

    sha256: str
    name: str


@dataclass(frozen=True)
class CleanNotScanned(Reason):
    """clean file {sha256} could not be scanned ({fault})"""

    sha256: str
    fault: str


# --- the gate itself fails -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class GateBroken(Reason):
    """the gate could not run: {told}"""

    told: str


@dataclass(frozen=True)
class ClamavMissing(Reason):
    """ClamAV is not installed where this had to be done"""


@dataclass(frozen=True)
class ClamavNotStarted(Reason):
    """ClamAV cannot be started: {told}"""

    told: str


@dataclass(frozen=True)
class ClamavFailed(Reason):
    """ClamAV could not scan: {told}"""

    told: str


@dataclass(frozen=True)
class FilesNotScanned(Reason):
    """{count} files could not be scanned"""

    count: int


@dataclass(frozen=True)
class AsTold(Reason):
    """{told}"""

    told: str


WhyNoPass = (
    WhyInapplicable
    | NothingToChange
    | RuleFault
    | RuleFaultInLine
    | RuleFaultAt
    | RulesNotLoaded
    | SignaturesNotLoaded
    | SampleStillDetected
    | SampleNotDetected
    | SampleNotDetectedBy
    | SampleDetectedAgain
    | SampleLost
    | SampleNotScanned
    | FaultNotSeen
    | FaultNotShown
    | CleanDetected
    | CleanNamed
    | CleanNotScanned
    | GateBroken
    | ClamavMissing
    | ClamavNotStarted
    | ClamavFailed
    | FilesNotScanned
    | AsTold
)
_KINDS: Mapping[str, type[Reason]] = {each.__new__(each).code: each for each in get_args(WhyNoPass)}


def read(document: Mapping[str, Any]) -> Reason:
    """The reason that `Reason.document` wrote; one that is not known here, as the words that it had."""
    kind = _KINDS.get(document["code"])
    if kind is None:
        return AsTold(document["text"])
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type] # all of them are data classes
    if not set(names) <= set(document):
        return AsTold(document["text"])
    return kind(**{name: document[name] for name in names})


def rule_fault(rule: str, problem: Problem) -> Reason:
    """What is wrong with a rule's source, and where."""
    if problem.line is None:
        return RuleFault(rule, problem.message)
    if problem.column is None:
        return RuleFaultInLine(rule, problem.line, problem.message)
    return RuleFaultAt(rule, problem.line, problem.column, problem.message)
