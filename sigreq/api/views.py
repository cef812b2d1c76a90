"""What is sent: read models, filled from rows by attribute, so that no column can leak by being added."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from sigreq.domain.gating import RunState
from sigreq.domain.lifecycle import State
from sigreq.domain.submission import SampleFacts
from sigreq.store.contracts import STANDARD
from sigreq.tables.gates import GateRun
from sigreq.tables.releases import Change, ChangeRevision, Product, Release
from sigreq.tables.submissions import Submission


class SubmissionView(msgspec.Struct, kw_only=True):
    """A submission as its customer sees it."""

    id: str
    revision: int
    kind: str
    product: str
    product_version: str
    database_version: str
    database_verdict: str
    latest_version: str | None
    severity: int
    expected_verdict: str
    detection_name: str | None
    contact: str
    details: dict[str, Any]
    track: str
    plan: str
    is_premium: bool
    state: str
    finding: str | None
    received_at: datetime
    response_due_at: datetime | None
    calendar: str | None
    phone_call_required: bool
    phone_number: str | None
    notices: list[str]
    answered_at: datetime | None
    determination: str | None
    final_verdict: str | None
    resolution: str | None
    fixed_in: str | None
    closed_at: datetime | None
    next_step: str


class StaffView(SubmissionView, kw_only=True):
    """A submission as analysts see it."""

    organisation: str
    group: str
    due_at: datetime
    warn_at: datetime | None
    is_guaranteed: bool
    analyst: str | None
    analyst_name: str | None
    claim_expires_at: datetime | None
    needs_attention: str | None
    archive_password: str | None
    more_passwords: list[str]


class SampleView(msgspec.Struct, kw_only=True):
    """A file that was sent."""

    name: str
    size: int
    sha256: str
    sha1: str
    md5: str


class ChangeView(msgspec.Struct, kw_only=True):
    """A signature change in its current revision. `revision` is the ETag's number, `rev` counts the edits."""

    id: str
    revision: int
    rev: int
    product: str
    kind: str
    track: str
    state: str
    payload: dict[str, str]
    submission_ids: list[str]
    written_by: str
    written_by_name: str
    approved_by: str | None
    approved_by_name: str | None
    gate: str | None
    tested_against: str | None
    report: dict[str, Any] | None
    published_in: str | None
    created_at: datetime


class GateView(msgspec.Struct, kw_only=True):
    """A run of the gate; `total` parts are known once it is planned, the report once it has ended."""

    id: str
    purpose: str
    subject: str
    rev: int | None
    product: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    base_version: str | None
    ruleset_digest: str | None
    total: int | None
    done: int
    report: dict[str, Any] | None


class BundleView(msgspec.Struct, kw_only=True):
    """A version as one engine loads it."""

    target: str
    name: str
    size: int
    sha256: str


class ReleaseView(msgspec.Struct, kw_only=True):
    """A row of the release register."""

    version: str
    ordinal: int
    published_at: datetime
    rollout_done_at: datetime | None
    withdrawn_at: datetime | None
    ruleset_digest: str
    gate_id: str | None
    rolls_back_to: str | None
    bundles: list[BundleView]


class ProductView(msgspec.Struct, kw_only=True):
    """A product."""

    id: str
    title: str
    scheme: str
    grace_seconds: int
    update_instructions: str
    targets: list[str]


BEFORE_ANALYSIS = frozenset({State.RECEIVED, State.SCREENING, State.QUEUED})
"""Later nobody has to be called to start, though a call still starts the clock where the contract says so."""
_NEXT = {
    "received": "The sample is screened now; this takes seconds.",
    "screening": "The sample is screened now; this takes seconds.",
    "queued": "An analyst will take the case.",
    "in_analysis": "An analyst is working on it.",
    "awaiting_customer": "We asked you something: please reply.",
    "determined": "A change of the database is on its way; it will be proved on your sample.",
    "fixed": "Update to the version named in fixed_in, then confirm, or say that it still happens.",
    "closed": "Nothing. If it happens again, say so with still-happens.",
}


def _common(row: Submission) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in SubmissionView.__struct_fields__ if hasattr(row, name)}
    is_call_due = row.phone_needed_until is not None and row.phone_needed_until > datetime.now(UTC)
    is_call_due = is_call_due and row.answered_at is None and row.state is not State.CLOSED
    return {
        **fields,
        "product": row.product_id,
        "plan": row.plan_id,
        "calendar": row.calendar if row.is_guaranteed else None,
        "response_due_at": row.due_at.astimezone(UTC) if row.is_guaranteed else None,
        "phone_call_required": is_call_due,
        "notices": _notices(row, is_call_due=is_call_due),
        "next_step": _NEXT[row.state],
    }


def _notices(row: Submission, *, is_call_due: bool) -> list[str]:
    """What the customer has to know about the promise, in words."""
    notices = []
    if is_call_due and row.state in BEFORE_ANALYSIS:
        number = f" {row.phone_number}" if row.phone_number else ""
        notices.append(f"It is outside business hours: please also call us{number}, so that somebody starts at once.")
    if row.contract_id is not None and row.plan_id == STANDARD:
        notices.append("No premium incident is left in this contract year: the request is handled as a standard one.")
    notices += [f"{each['file']}: {each['text']}" if each["file"] else each["text"] for each in row.remarks]
    return notices


def submission(row: Submission) -> SubmissionView:
    """For its customer. The internal target of an answer that nobody promised is not shown."""
    return SubmissionView(**_common(row))


def staff_submission(row: Submission, names: Mapping[str, str]) -> StaffView:
    """For analysts; people have their names by id."""
    analyst = None if row.state is State.QUEUED else row.analyst_id
    own = [name for name in StaffView.__struct_fields__ if name not in SubmissionView.__struct_fields__]
    more = {name: getattr(row, name) for name in own if hasattr(row, name)}
    return StaffView(
        **_common(row),
        **more,
        organisation=row.organisation_id,
        group=row.group_id,
        analyst=analyst,
        analyst_name=names.get(analyst or ""),
    )


def sample(facts: SampleFacts) -> SampleView:
    """A file."""
    return msgspec.convert(facts, SampleView, from_attributes=True)


def release(row: Release) -> ReleaseView:
    """A release."""
    return msgspec.convert(row, ReleaseView, from_attributes=True)


def product(row: Product) -> ProductView:
    """A product."""
    return msgspec.convert(row, ProductView, from_attributes=True)


def gate(run: GateRun) -> GateView:
    """A run of the gate."""
    fields = {name: getattr(run, name) for name in GateView.__struct_fields__ if hasattr(run, name)}
    return GateView(**fields, product=run.product_id)


def change(
    row: Change, revision: ChangeRevision, run: GateRun | None, submission_ids: list[str], names: Mapping[str, str]
) -> ChangeView:
    """A change, with the run that tested this very revision, if there is one; people have their names by id."""
    fields = {name: getattr(row, name) for name in ChangeView.__struct_fields__ if hasattr(row, name)}
    is_passed = run is not None and run.state is RunState.PASSED
    return ChangeView(
        **fields,
        product=row.product_id,
        payload=revision.payload,
        submission_ids=submission_ids,
        written_by=revision.written_by,
        written_by_name=names[revision.written_by],
        approved_by_name=names.get(row.approved_by or ""),
        gate=row.gate_id,
        tested_against=run.base_version if run and is_passed else None,
        report=run.report if run else None,
    )
