"""What a customer says, before anybody has looked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sigreq.domain.submission import Kind, Severity
from sigreq.domain.verdict import Verdict


def usual_verdict(kind: Kind) -> Verdict:
    """What a file should be found to be by whoever says no more than what is wrong."""
    return Verdict.CLEAN if kind is Kind.FALSE_POSITIVE else Verdict.MALWARE


@dataclass(frozen=True)
class Claim:
    """The customer's part of a submission. Everything else is set by us, never by the client."""

    kind: Kind
    product: str
    product_version: str
    database_version: str
    severity: Severity
    expected_verdict: Verdict
    contact: str
    detection_name: str | None = None
    archive_password: str | None = None
    hashes: Sequence[tuple[str | None, str]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
