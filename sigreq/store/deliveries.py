"""An organisation's messages to its webhook: the jobs that deliver them are the log."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, literal_column, or_, select, tuple_, update
from sqlmodel import col

from sigreq.domain.errors import DeliveriesTooMany, NotFound
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.submission import Track
from sigreq.store import jobs
from sigreq.store.jobs import JobName, Lease
from sigreq.tables.events import Event, Job
from sigreq.tables.people import WebhookEndpoint
from sigreq.transaction import Hint, Transaction

PREFIX = "PN"
MOST_BY_HAND = 10
# Written out, because an index on an expression is found by the very expression.
_organisation_id: ColumnElement[str] = literal_column("(job.args ->> 'organisation_id')")
_event_id: ColumnElement[str] = literal_column("(job.args ->> 'event_id')")


def of(organisation_id: str) -> ColumnElement[bool]:
    """The deliveries of an organisation, as the index has them."""
    return literal_column(f"job.name = '{JobName.DELIVER}'") & (_organisation_id == organisation_id)


async def page(
    tx: Transaction, organisation_id: str, *, after: tuple[datetime, str] | None, limit: int
) -> Sequence[tuple[Job, Event | None]]:
    """Newest first, each with its event; a ping has none."""
    statement = (
        select(Job, Event)
        .outerjoin(Event, col(Event.id) == _event_id)
        .where(of(organisation_id))
        .order_by(col(Job.created_at).desc(), col(Job.id).desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(col(Job.created_at), col(Job.id)) < tuple_(*after))
    return (await tx.session.execute(statement)).all()


async def ping(tx: Transaction, organisation_id: str) -> str:
    """Queue a message that is about nothing, on the way that all messages go; the delivery's id.

    Raises DeliveriesTooMany.
    """
    await _check_room(tx, organisation_id)
    args = {"organisation_id": organisation_id, "ping_id": new_identifier(PREFIX), "at": tx.at.isoformat()}
    return jobs.add(tx, JobName.DELIVER, Track.STANDARD, args)


async def send_again(tx: Transaction, organisation_id: str, delivery_id: str) -> str:
    """Have the same message sent once more, under the same id; the delivery that does it.

    One that still waits for its next try is tried now, and keeps all the tries of its schedule.
    Raises NotFound, DeliveriesTooMany.
    """
    statement = select(Job).where(of(organisation_id), col(Job.id) == delivery_id).with_for_update()
    row = await tx.session.scalar(statement)
    if row is None:
        raise NotFound(what="delivery", id=delivery_id[:60])
    if row.done_at is not None:
        await _check_room(tx, organisation_id)
        return jobs.add(tx, JobName.DELIVER, row.queue, {**row.args, "is_by_hand": True})
    is_free = or_(col(Job.lease_expires_at).is_(None), col(Job.lease_expires_at) < tx.at)
    # The try that comes now was asked for, so its number is used again. One already due was counted back before.
    counted = case((col(Job.due_at) > tx.at, func.greatest(col(Job.attempts) - 1, 0)), else_=col(Job.attempts))
    now = {"due_at": tx.at, "hinted_at": tx.at, "attempts": counted}
    await tx.session.execute(update(Job).where(col(Job.id) == row.id, is_free).values(now))
    tx.hints.append(Hint(row.id, row.name, row.queue))
    return row.id


async def _check_room(tx: Transaction, organisation_id: str) -> None:
    """Let nobody fill the queue that all share. Two who ask at once wait for each other at their webhook's row."""
    own = select(WebhookEndpoint).where(col(WebhookEndpoint.organisation_id) == organisation_id)
    await tx.session.execute(own.with_for_update())
    is_by_hand = or_(func.jsonb_exists(col(Job.args), "ping_id"), func.jsonb_exists(col(Job.args), "is_by_hand"))
    statement = select(func.count()).where(of(organisation_id), col(Job.done_at).is_(None), is_by_hand)
    if (await tx.session.scalar(statement) or 0) >= MOST_BY_HAND:
        raise DeliveriesTooMany(limit=MOST_BY_HAND)


async def keep_answer(tx: Transaction, lease: Lease, answer: str) -> None:
    """Write down what the receiver said at the end, in the transaction that ends the job."""
    await tx.session.execute(update(Job).where(col(Job.id) == lease.job_id).values(answer=answer))
