"""The one door through which a submission or a change moves: look, check, one guarded UPDATE, one event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import uuid4

from sqlalchemy import exists, select, text, update
from sqlmodel import col

from sigreq.domain.errors import NotFound, RevisionStale, StateForbids
from sigreq.domain.lifecycle import CHANGE_TRANSITIONS, TRANSITIONS, ChangeEvent, Event, Transition
from sigreq.domain.people import Actor
from sigreq.store import jobs
from sigreq.tables.events import Event as EventRow
from sigreq.tables.people import ApiKey, Person, WebhookEndpoint
from sigreq.tables.releases import Change
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

Row = TypeVar("Row", Submission, Change)
CHANNEL = "sigreq_moves"


@dataclass(frozen=True)
class Move(Generic[Row]):
    """What is asked of the door. `held` is the revision the caller read; `check` may refuse by looking at the row."""

    event: StrEnum
    actor: Actor | None = None
    held: int | None = None
    check: Callable[[Row], None] | None = None
    values: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None


async def move_submission(tx: Transaction, submission_id: str, move: Move[Submission]) -> Submission:
    """Move a submission, write its event, tell the customer. Raises NotFound, StateForbids, RevisionStale."""
    transition = TRANSITIONS[Event(move.event)]
    row = await _locked(tx, Submission, "Submission", submission_id)
    sequence = row.public_sequence + transition.is_public
    moved = await _move(tx, Submission, "Submission", row, move, transition, {"public_sequence": sequence})
    event_id = _record(tx, moved, row.state, move, public_sequence=sequence if transition.is_public else None)
    await _announce(tx, moved, row.state)
    if transition.is_public:
        await tell(tx, moved, event_id)
    return moved


async def move_change(tx: Transaction, change_id: str, move: Move[Change]) -> Change:
    """Move a signature change and write its event. Raises NotFound, StateForbids, RevisionStale."""
    row = await _locked(tx, Change, "Change", change_id)
    moved = await _move(tx, Change, "Change", row, move, CHANGE_TRANSITIONS[ChangeEvent(move.event)], {})
    _record(tx, moved, row.state, move)
    return moved


async def begin_submission(tx: Transaction, row: Submission, actor: Actor, data: Mapping[str, Any]) -> None:
    """Insert a new submission with its first event, `received`."""
    row.revision = row.public_sequence = 1
    tx.session.add(row)
    await tx.session.flush()
    event_id = _record(tx, row, None, Move(Event.RECEIVED, actor, data=data), public_sequence=1)
    await _announce(tx, row, row.state)
    await tell(tx, row, event_id)


async def begin_change(tx: Transaction, row: Change, actor: Actor, data: Mapping[str, Any]) -> None:
    """Insert a new change with its first event, `drafted`."""
    row.revision = 1
    tx.session.add(row)
    await tx.session.flush()
    _record(tx, row, None, Move(ChangeEvent.DRAFTED, actor, data=data))


async def tell(tx: Transaction, submission: Submission, event_id: str) -> None:
    """Queue a public event for the organisation's webhook and mail, in the transaction that writes the event."""
    await tx.session.flush()
    readers = select(col(Person.id)).where(
        col(Person.organisation_id) == submission.organisation_id,
        col(Person.email).is_not(None),
        exists().where(col(ApiKey.person_id) == col(Person.id), col(ApiKey.revoked_at).is_(None)),
    )
    for person_id in await tx.session.scalars(readers):
        args = {"event_id": event_id, "person_id": person_id}
        jobs.add(tx, jobs.JobName.MAIL, submission.track, args)
    endpoint = await tx.session.get(WebhookEndpoint, submission.organisation_id)
    if endpoint is not None and endpoint.disabled_at is None:
        args = {"event_id": event_id, "organisation_id": submission.organisation_id}
        jobs.add(tx, jobs.JobName.DELIVER, submission.track, args)


async def _announce(tx: Transaction, row: Submission, was: str) -> None:
    """Have those who watch look again when this transaction has committed."""
    notice = {"channel": CHANNEL, "notice": f"{row.id} {was} {row.state}"}
    await tx.session.execute(text("SELECT pg_notify(:channel, :notice)"), notice)


async def _locked(tx: Transaction, table: type[Row], what: str, row_id: str) -> Row:
    found = await tx.session.scalar(
        select(table).where(col(table.id) == row_id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(what=what.lower(), id=row_id)
    tx.session.expunge(found)  # what was stays as it was; the UPDATE brings the new row
    return found


async def _move(
    tx: Transaction,
    table: type[Row],
    what: str,
    row: Row,
    move: Move[Row],
    transition: Transition,
    counters: Mapping[str, int],
) -> Row:
    if move.check is not None:
        move.check(row)
    if row.state not in transition.sources:
        allowed = ", ".join(sorted(transition.sources))
        raise StateForbids(what=what, id=row.id, state=row.state, action=move.event, allowed=allowed)
    if move.held is not None and move.held != row.revision:
        raise RevisionStale(what=what, id=row.id, held=move.held, current=row.revision)
    statement = (
        update(table)
        .where(col(table.id) == row.id, col(table.revision) == row.revision, col(table.state) == row.state)
        .values(state=transition.to or row.state, revision=row.revision + 1, **counters, **(move.values or {}))
        .returning(table)
    )
    return (await tx.session.execute(statement)).scalar_one()


def _record(
    tx: Transaction, row: Submission | Change, was: str | None, move: Move[Any], public_sequence: int | None = None
) -> str:
    event = EventRow(
        id=f"EV-{uuid4().hex}",
        subject_id=row.id,
        sequence=row.revision,
        public_sequence=public_sequence,
        name=move.event,
        state=row.state,
        was=was,
        actor_id=move.actor.person_id if move.actor else None,
        at=tx.at,
        data=dict(move.data or {}),
    )
    tx.session.add(event)
    return event.id
