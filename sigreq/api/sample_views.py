"""What is told of files: what they are, what they hold, what fired on them."""

from datetime import datetime
from typing import Any

import msgspec

from sigreq.domain.faults import MEANINGS, Fault, blocking
from sigreq.store.similar import Likeness
from sigreq.tables.submissions import Sample, Submission, SubmissionFile
from sigreq.validation.report import FileReport, FileScan, Similar

# What a change that nobody has approved yet would do is not for customers.
INTERNAL = "gate"


class FaultView(msgspec.Struct, kw_only=True):
    """Why something was not seen: a stable code, and what it means."""

    code: str
    text: str


class ScanView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One scan of one file, with everything it holds.

    `is_reused`: the same content was scanned with the same rules before, at `scanned_at`. `hits` say for staff where in
    the file's own content each rule fired.
    """

    sha256: str
    purpose: str
    version: str
    ruleset_digest: str | None
    outcome: str
    detections: list[str]
    reason: str | None
    engine: str
    seconds: float
    is_reused: bool
    scanned_at: datetime
    at: datetime
    hits: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET


class IdentityView(msgspec.Struct, kw_only=True):
    """What a content is. `outcome` is identified, not_identified (with the reason) or pending."""

    size: int
    sha256: str
    sha1: str
    md5: str
    tlsh: str | None
    mime: str | None
    description: str | None
    executable: dict[str, Any] | None
    outcome: str
    reason: FaultView | None


class FileView(msgspec.Struct, kw_only=True):
    """One file of a submission: sent, or found in the one at position `parent`.

    `finding` is there for files that were sent: supported, refuted, not_reproduced or undecided. `is_examined` is
    false until somebody has looked.
    """

    position: int
    parent: int | None
    name: str
    identity: IdentityView | None
    is_examined: bool
    not_seen: list[FaultView]
    skipped: list[FaultView]
    finding: str | None
    scans: list[ScanView]


class CaseView(msgspec.Struct, kw_only=True):
    """Another case, in short."""

    id: str
    organisation: str
    kind: str
    state: str
    finding: str | None
    determination: str | None
    resolution: str | None
    received_at: datetime


def fault(code: str) -> FaultView:
    """A fault with its meaning."""
    return FaultView(code=code, text=MEANINGS[Fault(code)])


_OF_RESULT = ("outcome", "detections", "reason", "is_reused", "hits")


def scan(found: FileScan, *, is_staff: bool) -> ScanView:
    """A scan; where rules fired is for staff."""
    row, result = found.row, found.result
    return ScanView(
        **{name: getattr(row, name) for name in ScanView.__struct_fields__ if name not in _OF_RESULT},
        outcome=result.outcome,
        detections=list(result.detections),
        reason=result.reason,
        is_reused=row.scanned_at < row.at,
        hits=row.hits if is_staff else msgspec.UNSET,
    )


def identity(row: Sample) -> IdentityView:
    """What a sample is."""
    own = {"outcome", "reason"}
    is_looked_at = row.identified_at is not None
    outcome = "pending" if not is_looked_at else "not_identified" if row.identify_fault else "identified"
    return IdentityView(
        **{name: getattr(row, name) for name in IdentityView.__struct_fields__ if name not in own},
        outcome=outcome,
        reason=fault(row.identify_fault) if row.identify_fault else None,
    )


def file(report: FileReport, *, is_staff: bool) -> FileView:
    """A file with all that was found."""
    faults = report.file.faults or ()
    in_the_way = blocking(faults)
    return FileView(
        position=report.file.position,
        parent=report.file.parent,
        name=report.file.name,
        identity=identity(report.sample) if report.sample else None,
        is_examined=report.file.faults is not None,
        not_seen=[fault(each) for each in in_the_way],
        skipped=[fault(each) for each in dict.fromkeys(faults) if each not in in_the_way],
        finding=report.finding,
        scans=[scan(each, is_staff=is_staff) for each in report.scans if is_staff or each.row.purpose != INTERNAL],
    )


def case(row: Submission) -> CaseView:
    """A case in short."""
    own = [name for name in CaseView.__struct_fields__ if name != "organisation"]
    return CaseView(**{name: getattr(row, name) for name in own}, organisation=row.organisation_id)


def alike(found: Similar) -> dict[str, list[dict[str, Any]]]:
    """Similar cases, by what they have in common."""
    return {name: [_likeness(each) for each in getattr(found, name)] for name in Similar.__dataclass_fields__}


def _likeness(found: Likeness) -> dict[str, Any]:
    return {**msgspec.to_builtins(case(found.submission)), "sha256": found.sha256, **found.by}


def occurrence(row: Submission, own: SubmissionFile) -> dict[str, Any]:
    """Where a sample came."""
    place = {"position": own.position, "parent": own.parent, "name": own.name}
    return {"submission": row.id, "state": row.state, "received_at": row.received_at.isoformat(), **place}
