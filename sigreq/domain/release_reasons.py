"""Why extras, roll-backs and schedules of trains are refused, as facts: see `reasons`. Programs ask for these only."""

from dataclasses import dataclass

from sigreq.domain.reasons import WhyInapplicable
from sigreq.domain.worded import Reason

# --- an extra cannot be made ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class NotAdditive(Reason):
    """{kind} does not only add something; possible are: {possible}"""

    kind: str
    possible: str


@dataclass(frozen=True)
class OnStandardTrack(Reason):
    """{change} is on the standard track: it goes out with a version"""

    change: str


@dataclass(frozen=True)
class NothingPublished(Reason):
    """no version of {product} is published, so there is nothing to lay it over"""

    product: str


@dataclass(frozen=True)
class SeveralFiles(Reason):
    """name one of the files by its SHA-256: {sha256s}"""

    sha256s: str


@dataclass(frozen=True)
class SampleOfOthers(Reason):
    """{sha256} is not a sample of {case}"""

    sha256: str
    case: str


@dataclass(frozen=True)
class NameUnneeded(Reason):
    """a name is for a file that is to be detected, and this one is allowed"""


WhyNoExtra = (
    NotAdditive | OnStandardTrack | NothingPublished | SeveralFiles | SampleOfOthers | NameUnneeded | WhyInapplicable
)

# --- nothing goes back to a version --------------------------------------------------------------------------


@dataclass(frozen=True)
class NeverPublished(Reason):
    """it was never published"""


@dataclass(frozen=True)
class VersionWithdrawn(Reason):
    """it is withdrawn"""


@dataclass(frozen=True)
class OtherRuleset(Reason):
    """the ruleset is another one than that version had"""


@dataclass(frozen=True)
class BringsChanges(Reason):
    """no change can come with it ({changes})"""

    changes: str


WhyNoWayBack = NeverPublished | VersionWithdrawn | OtherRuleset | BringsChanges

# --- no train can run by a schedule --------------------------------------------------------------------------


@dataclass(frozen=True)
class DaysMissing(Reason):
    """days are needed: some of {possible}"""

    possible: str


@dataclass(frozen=True)
class TimesMissing(Reason):
    """1 to {most} times of day are needed, such as 06:00"""

    most: int


@dataclass(frozen=True)
class ZoneUnknown(Reason):
    """there is no time zone '{zone}'; expected Europe/Berlin, say"""

    zone: str


@dataclass(frozen=True)
class DayUnknown(Reason):
    """'{day}' is no day; possible are: {possible}"""

    day: str
    possible: str


@dataclass(frozen=True)
class TimeUnreadable(Reason):
    """'{time}' is no time of day; expected hours and minutes, such as 06:00"""

    time: str


WhyNoTrain = DaysMissing | TimesMissing | ZoneUnknown | DayUnknown | TimeUnreadable
