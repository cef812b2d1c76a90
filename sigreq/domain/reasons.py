"""Why signature changes are refused, as facts in the way of `worded`: pages translate them, programs switch on codes.

No other reason than those of a union can stand in its error.
"""

from dataclasses import dataclass

from sigreq.domain.worded import Reason

# --- it cannot be drafted ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NoSubmission(Reason):
    """it names no submission"""


@dataclass(frozen=True)
class ProductsDiffer(Reason):
    """its submissions are about different products"""


@dataclass(frozen=True)
class KindUnhelpful(Reason):
    """{kind} does not help a {claim} ({id}); possible are: {allowed}"""

    kind: str
    claim: str
    id: str
    allowed: str


@dataclass(frozen=True)
class FieldsUnfit(Reason):
    """the payload of {kind} has the fields {fields}, and no other"""

    kind: str
    fields: str


@dataclass(frozen=True)
class SampleForeign(Reason):
    """{sha256} is not a sample of these submissions"""

    sha256: str


WhyUnfit = NoSubmission | ProductsDiffer | KindUnhelpful | FieldsUnfit | SampleForeign

# --- its pass does not hold ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class NotPassed(Reason):
    """it has not passed"""


@dataclass(frozen=True)
class OtherNewest(Reason):
    """it was tested against {tested}, and {newest} is the newest version now"""

    tested: str
    newest: str


@dataclass(frozen=True)
class FirstPublished(Reason):
    """it was tested against nothing, and {newest} is the newest version now"""

    newest: str


@dataclass(frozen=True)
class AllWithdrawn(Reason):
    """it was tested against {tested}, and nothing is the newest version now"""

    tested: str


@dataclass(frozen=True)
class CaseSolved(Reason):
    """a case has been solved since, which it was not tested with"""


@dataclass(frozen=True)
class CorpusChanged(Reason):
    """the clean corpus has changed since"""


@dataclass(frozen=True)
class TargetAdded(Reason):
    """the product's signatures are for {targets} too now, which it was not tested with"""

    targets: str


@dataclass(frozen=True)
class RivalApproved(Reason):
    """{changes} has been approved since, and may take away what this one relies on"""

    changes: str


@dataclass(frozen=True)
class CompanionGone(Reason):
    """it was tested together with {changes}, which has been taken back since"""

    changes: str


@dataclass(frozen=True)
class TestedWithout(Reason):
    """it was tested without {changes}"""

    changes: str


WhyStale = (
    OtherNewest
    | FirstPublished
    | AllWithdrawn
    | CaseSolved
    | CorpusChanged
    | TargetAdded
    | RivalApproved
    | CompanionGone
)
WhyNotLet = NotPassed | WhyStale
WhyNotGated = WhyNotLet | TestedWithout

# --- what is known of a file forbids it ----------------------------------------------------------------------


@dataclass(frozen=True)
class FoundMalware(Reason):
    """it was found to be that in {case}"""

    case: str


@dataclass(frozen=True)
class DetectedByExtra(Reason):
    """an extra detects it by its hash"""


@dataclass(frozen=True)
class DetectedByVersion(Reason):
    """{version} detects it by its hash, as {name}"""

    version: str
    name: str


@dataclass(frozen=True)
class InCorpus(Reason):
    """it is in the clean corpus"""


@dataclass(frozen=True)
class FoundClean(Reason):
    """it was found clean in {case}"""

    case: str


WhyMalware = FoundMalware | DetectedByExtra | DetectedByVersion
WhyClean = InCorpus | FoundClean

# --- a change does not apply to the rules --------------------------------------------------------------------


@dataclass(frozen=True)
class RuleExists(Reason):
    """rule {rule} exists already; modify it, or choose another name"""

    rule: str


@dataclass(frozen=True)
class NothingToModify(Reason):
    """there is no rule {rule} to modify; known are: {known}"""

    rule: str
    known: str


@dataclass(frozen=True)
class NothingToDisable(Reason):
    """there is no rule {rule} to disable; known are: {known}"""

    rule: str
    known: str


@dataclass(frozen=True)
class NothingToRetire(Reason):
    """there is no signature {signature} to retire; known are: {known}"""

    signature: str
    known: str


@dataclass(frozen=True)
class NothingToRename(Reason):
    """there is no signature {signature} to rename; known are: {known}"""

    signature: str
    known: str


@dataclass(frozen=True)
class RuleChanged(Reason):
    """rule {rule} has changed since; look at it again"""

    rule: str


@dataclass(frozen=True)
class NameTaken(Reason):
    """the name {name} is taken; choose another"""

    name: str


@dataclass(frozen=True)
class NameNotInSource(Reason):
    """the source of {rule} does not say so; modify it instead"""

    rule: str


@dataclass(frozen=True)
class FileAllowed(Reason):
    """{sha256} is allowed; a file cannot be both"""

    sha256: str


@dataclass(frozen=True)
class FileDetected(Reason):
    """{sha256} is detected already, as {name}"""

    sha256: str
    name: str


@dataclass(frozen=True)
class FileIsMalware(Reason):
    """{sha256} is known as malware, detected as {name}; retire that first"""

    sha256: str
    name: str


WhyInapplicable = (
    RuleExists
    | NothingToModify
    | NothingToDisable
    | NothingToRetire
    | NothingToRename
    | RuleChanged
    | NameTaken
    | NameNotInSource
    | FileAllowed
    | FileDetected
    | FileIsMalware
)
