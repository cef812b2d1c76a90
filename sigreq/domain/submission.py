"""A customer's claim and the facts of a sample: frozen values."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What the customer says is wrong with the database."""

    FALSE_POSITIVE = "false_positive"
    FALSE_NEGATIVE = "false_negative"


class Severity(IntEnum):
    """How badly it hurts, as the service contract counts: 1 is work interrupted, 4 is no effect on function."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4


class Track(StrEnum):
    """Which queue work waits in: MSA customers' is expedited."""

    EXPEDITED = "expedited"
    STANDARD = "standard"


class PremiumStep(StrEnum):
    """What became of the premium incident that a submission reserved."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"


@dataclass(frozen=True)
class SampleFacts:
    """What one pass over a sample's bytes tells: its content's identity (sha256), and a name that is only data."""

    name: str
    size: int
    sha256: str
    sha1: str
    md5: str
