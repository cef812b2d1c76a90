"""The customer's side of a submission."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import to_builtins

from sigreq.api import sample_views, views
from sigreq.api.cursors import read_cursor, write_cursor
from sigreq.api.doorway import IfMatch, Services, etag, revision_held, spoken
from sigreq.api.schemas import Message, OptionalReason
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor, Permission, require
from sigreq.notify.timeline import public_view, staff_view
from sigreq.review import customer
from sigreq.store import people, submissions, trains
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from sigreq.trust import evidence
from sigreq.validation import report

MAX_PAGE = 200


@get("/v1/submissions", summary="Your submissions, newest first")
async def list_submissions(
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    in_state: Annotated[State | None, QueryParameter(name="state")] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> dict[str, Any]:
    """`next_cursor` of one answer is `cursor` of the next request; null at the end."""
    require(actor, Permission.SEE_SUBMISSIONS)
    size = max(1, min(limit, MAX_PAGE))
    rows = await submissions.page(tx, actor, state=in_state, after=read_cursor(cursor), limit=size + 1)
    is_more = len(rows) > size
    expected = await trains.expected(tx, rows[:size])
    seen = await seen_by(tx, actor, rows[:size])
    items = [_read(view, expected[view.id]) for view in seen]
    return {
        "items": items,
        "next_cursor": write_cursor(rows[size - 1].received_at, rows[size - 1].id) if is_more else None,
    }


@get("/v1/submissions/{submission_id:str}", summary="One submission")
async def read_submission(
    submission_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Analysts also get the files that were sent, their scans and the changes. What the files hold is in the report."""
    require(actor, Permission.SEE_SUBMISSIONS)
    row = await submissions.get(tx, spoken("SR", submission_id), actor)
    (view,) = await seen_by(tx, actor, [row])
    seen = _read(view, (await trains.expected(tx, [row]))[row.id])
    if not actor.is_staff:
        return Response(seen, headers=etag(row.revision))
    reports, _ = await report.of(tx, row, after=-1, limit=MAX_PAGE)
    sent = [each for each in reports if each.file.parent is None]
    more = {
        "samples": [views.sample(each.file.facts) for each in sent if each.file.facts],
        "scans": [sample_views.scan(each, is_staff=True) for found in sent for each in found.scans],
        "changes": [
            {"id": each.id, "kind": each.kind, "state": each.state} for each in await submissions.changes_of(tx, row.id)
        ],
    }
    return Response({**seen, **to_builtins(more)}, headers=etag(row.revision))


@get("/v1/submissions/{submission_id:str}/timeline", summary="What happened")
async def read_timeline(
    submission_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Customers see the public events, exactly those that webhooks carry."""
    require(actor, Permission.SEE_SUBMISSIONS)
    row = await submissions.get(tx, spoken("SR", submission_id), actor)
    found = await submissions.timeline(tx, row.id, is_public_only=not actor.is_staff)
    return {"items": [staff_view(*each) if actor.is_staff else public_view(each[0]) for each in found]}


@get("/v1/submissions/{submission_id:str}/evidence", summary="Signed evidence of the fix")
async def read_evidence(
    submission_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """An in-toto statement in a DSSE envelope, signed when the fix was proved; `sigreq verify` checks it offline.

    404 as long as the case is not fixed, and for fixes of a time when no signing keys were installed.
    """
    require(actor, Permission.SEE_SUBMISSIONS)
    return await evidence.of(tx, await submissions.get(tx, spoken("SR", submission_id), actor))


@post("/v1/submissions/{submission_id:str}/reply", status_code=200, summary="Answer our question, or comment")
async def reply(
    submission_id: FromPath[str],
    data: JSONBody[Message],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    if_match: IfMatch = None,
) -> Response[Any]:
    """A reply to a question brings the case back to its analyst."""
    require(actor, Permission.SUBMIT)
    claim = services.settings.analysis.claim
    held = revision_held(if_match)
    return await shown(
        tx, actor, await customer.reply(tx, actor, spoken("SR", submission_id), held, data.message, claim)
    )


@post("/v1/submissions/{submission_id:str}/withdraw", status_code=200, summary="Withdraw")
async def withdraw(
    submission_id: FromPath[str],
    data: JSONBody[OptionalReason],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    if_match: IfMatch = None,
) -> Response[Any]:
    """Close it; changes that are already on their way are not cancelled."""
    require(actor, Permission.SUBMIT)
    held = revision_held(if_match)
    return await shown(tx, actor, await customer.withdraw(tx, actor, spoken("SR", submission_id), held, data.reason))


@post("/v1/submissions/{submission_id:str}/confirm", status_code=200, summary="Confirm the fix")
async def confirm(
    submission_id: FromPath[str],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    if_match: IfMatch = None,
) -> Response[Any]:
    """The fix works for you."""
    require(actor, Permission.SUBMIT)
    return await shown(
        tx, actor, await customer.confirm(tx, actor, spoken("SR", submission_id), revision_held(if_match))
    )


@post("/v1/submissions/{submission_id:str}/still-happens", status_code=200, summary="It still happens")
async def still_happens(
    submission_id: FromPath[str],
    data: JSONBody[Message],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    if_match: IfMatch = None,
) -> Response[Any]:
    """A fixed or closed case goes back to the queue, to another analyst."""
    require(actor, Permission.SUBMIT)
    return await _reopen(if_match, submission_id, Event.STILL_HAPPENS, data.message, tx, actor)


@post("/v1/submissions/{submission_id:str}/dispute", status_code=200, summary="Dispute the decision")
async def dispute(
    submission_id: FromPath[str],
    data: JSONBody[Message],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    if_match: IfMatch = None,
) -> Response[Any]:
    """A decided case goes back to the queue, to another analyst."""
    require(actor, Permission.SUBMIT)
    return await _reopen(if_match, submission_id, Event.DISPUTED, data.message, tx, actor)


async def _reopen(
    if_match: str | None, submission_id: str, event: Event, message: str, tx: Transaction, actor: Actor
) -> Response[Any]:
    held = revision_held(if_match)
    return await shown(tx, actor, await customer.reopen(tx, actor, spoken("SR", submission_id), held, event, message))


async def seen_by(tx: Transaction, actor: Actor, rows: Sequence[Submission]) -> Sequence[views.SubmissionView]:
    """Submissions in the view that the actor may have."""
    if not actor.is_staff:
        return [views.submission(row) for row in rows]
    names = await people.names(tx, [row.analyst_id for row in rows])
    return [views.staff_submission(row, names) for row in rows]


def _read(seen: views.SubmissionView, expected_release_at: datetime | None) -> dict[str, Any]:
    """As it is read: with when its change may be expected, which depends on more than its row."""
    return {**to_builtins(seen), "expected_release_at": expected_release_at}


async def shown(tx: Transaction, actor: Actor, row: Submission) -> Response[Any]:
    """The submission after a write, with its new ETag."""
    (view,) = await seen_by(tx, actor, [row])
    return Response(view, status_code=200, headers=etag(row.revision))


ROUTES = [
    list_submissions,
    read_submission,
    read_timeline,
    read_evidence,
    reply,
    withdraw,
    confirm,
    still_happens,
    dispute,
]
