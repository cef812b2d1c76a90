"""What was found, what we decide, how it ended: three things kept apart, and the known answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sigreq.domain.submission import Kind


class Verdict(StrEnum):
    """What a file is."""

    CLEAN = "clean"
    MALWARE = "malware"
    PUA = "pua"
    UNKNOWN = "unknown"


class Determination(StrEnum):
    """What an analyst (or the known-answer check) concludes about the claim."""

    FALSE_POSITIVE_CONFIRMED = "false_positive_confirmed"
    FALSE_NEGATIVE_CONFIRMED = "false_negative_confirmed"
    CORRECT_DETECTION = "correct_detection"
    NOT_MALICIOUS = "not_malicious"
    ALREADY_FIXED = "already_fixed"
    ALREADY_DETECTED = "already_detected"
    CUSTOMER_OVERRIDE = "customer_override"
    INCONCLUSIVE = "inconclusive"

    @property
    def needs_change(self) -> bool:
        """Whether the database must change before the customer is helped."""
        return self in {self.FALSE_POSITIVE_CONFIRMED, self.FALSE_NEGATIVE_CONFIRMED, self.CUSTOMER_OVERRIDE}

    @property
    def verdicts(self) -> frozenset[Verdict]:
        """What the file can be, when this is the conclusion."""
        return _VERDICTS[self]


_BAD = frozenset({Verdict.MALWARE, Verdict.PUA})
_VERDICTS = {
    Determination.FALSE_POSITIVE_CONFIRMED: frozenset({Verdict.CLEAN}),
    Determination.FALSE_NEGATIVE_CONFIRMED: _BAD,
    Determination.CORRECT_DETECTION: _BAD,
    Determination.NOT_MALICIOUS: frozenset({Verdict.CLEAN, Verdict.PUA}),
    Determination.ALREADY_FIXED: frozenset({Verdict.CLEAN}),
    Determination.ALREADY_DETECTED: _BAD,
    Determination.CUSTOMER_OVERRIDE: _BAD | {Verdict.CLEAN},
    Determination.INCONCLUSIVE: frozenset({Verdict.UNKNOWN}),
}


class Resolution(StrEnum):
    """How a closed submission ended."""

    SIGNATURE_ADDED = "signature_added"
    SIGNATURE_MODIFIED = "signature_modified"
    SIGNATURE_DISABLED = "signature_disabled"
    ALLOWLISTED = "allowlisted"
    NO_CHANGE = "no_change"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """The result of one scan. `not_scanned` is its own outcome and never counts as clean."""

    CLEAN = "clean"
    DETECTED = "detected"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True)
class ScanResult:
    """One sample against one ruleset: the rules that fired, or why there is no answer.

    `hits` say where and why each rule fired, bounded; `seconds` is how long it took.
    """

    outcome: Outcome
    detections: tuple[str, ...] = ()
    reason: str | None = None
    hits: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)
    seconds: float = field(default=0.0, compare=False)
    engine: str = field(default="", compare=False)

    @classmethod
    def not_scanned(cls, reason: str) -> "ScanResult":
        """No answer; `reason` is a stable word such as `timeout` or `no_ruleset`."""
        return cls(Outcome.NOT_SCANNED, (), reason)

    def shows_fault(self, kind: Kind) -> bool | None:
        """Whether this scan shows what the customer complains of; None when it could not be scanned."""
        if self.outcome is Outcome.NOT_SCANNED:
            return None
        is_detected = self.outcome is Outcome.DETECTED
        return is_detected if kind is Kind.FALSE_POSITIVE else not is_detected


class Finding(StrEnum):
    """What screening says about a claim, for one file or for all of them.

    Supported: the claimed version and the newest show the fault. Refuted: the newest no longer does. Not reproduced:
    the claimed version does not. Undecided: something could not be examined.
    """

    SUPPORTED = "supported"
    REFUTED = "refuted"
    NOT_REPRODUCED = "not_reproduced"
    UNDECIDED = "undecided"


def conclude(before: Sequence[bool | None], after: Sequence[bool | None]) -> Finding:
    """Weigh whether each file shows the fault with the claimed version and with the newest (None: not seen).

    Only a refuted claim may be answered without an analyst: everything was seen, the claimed version shows the fault
    somewhere and the newest shows it nowhere. A single missing scan forbids that.
    """
    if not before or not after or None in before or None in after:
        return Finding.UNDECIDED
    if not any(before):
        return Finding.NOT_REPRODUCED
    return Finding.SUPPORTED if any(after) else Finding.REFUTED


def is_proved(faults: Sequence[bool | None]) -> bool | None:
    """Whether a published version fixes every file; None when one could not be seen (and none shows the fault)."""
    if any(faults):
        return False
    return None if None in faults or not faults else True


_FITTING = {
    Kind.FALSE_POSITIVE: frozenset(
        {
            Determination.FALSE_POSITIVE_CONFIRMED,
            Determination.CORRECT_DETECTION,
            Determination.CUSTOMER_OVERRIDE,
            Determination.ALREADY_FIXED,
            Determination.INCONCLUSIVE,
        }
    ),
    Kind.FALSE_NEGATIVE: frozenset(
        {
            Determination.FALSE_NEGATIVE_CONFIRMED,
            Determination.NOT_MALICIOUS,
            Determination.ALREADY_DETECTED,
            Determination.INCONCLUSIVE,
        }
    ),
}


def fitting_determinations(kind: Kind) -> frozenset[Determination]:
    """Which conclusions can be drawn about such a claim."""
    return _FITTING[kind]
