"""The one door through which a submission or a change moves: look, check, one guarded UPDATE, one event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import uuid4

from sqlalchemy import Select, bindparam, exists, insert, or_, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import col

from sigreq.domain.advice import steps_after_relief
from sigreq.domain.errors import NotFound, RevisionStale, StateForbids
from sigreq.domain.extras import Ending
from sigreq.domain.lifecycle import CHANGE_TRANSITIONS, TRANSITIONS, ChangeEvent, Event, State, Transition
from sigreq.domain.people import Actor
from sigreq.domain.submission import Track
from sigreq.store import extras, jobs
from sigreq.store.one_of import one_of
from sigreq.tables.events import Event as EventRow
from sigreq.tables.extras import Extra
from sigreq.tables.people import ApiKey, Person, SignIn, WebhookEndpoint
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
    if transition.to in {State.FIXED, State.CLOSED} and row.state is not State.FIXED:
        ending = Ending.FIXED if transition.to is State.FIXED else Ending.CLOSED
        return await note_relief_ended(
            tx, moved, await extras.end_of_case(tx, moved.id, ending, move.actor), move.actor
        )
    return moved


async def note_relief_ended(
    tx: Transaction, submission: Submission, ended: Sequence[Extra], actor: Actor | None
) -> Submission:
    """Tell of relief of this case that has just ended; what was only proposed is nobody's but ours to know."""
    for each in ended:
        event = Event.RELIEF_DROPPED if each.live_at is None else Event.RELIEF_ENDED
        ending = Ending(each.ending or Ending.EXPIRED)
        data = {
            "extra_id": each.id,
            "sha256": each.sha256,
            "ending": ending,
            "steps": steps_after_relief(ending),
        }
        submission = await move_submission(tx, submission.id, Move(event, actor, data=data))
    return submission


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


async def note_on_many(tx: Transaction, submission_ids: Sequence[str], note: Move[Submission]) -> Sequence[str]:
    """Write one public note on many submissions in a handful of statements, however many they are.

    Those in a state that the event does not fit are passed over; which were told.
    """
    transition = TRANSITIONS[Event(note.event)]
    assert transition.to is None  # noqa: S101 - a note; what moves goes one by one
    assert transition.is_public  # noqa: S101 - the same
    fitting = (one_of(col(Submission.id), submission_ids), col(Submission.state).in_(transition.sources))
    locked = (
        await tx.session.scalars(
            select(col(Submission.id)).where(*fitting).order_by(col(Submission.id)).with_for_update()
        )
    ).all()
    noted = await tx.session.execute(
        update(Submission)
        .where(one_of(col(Submission.id), locked))
        .values(revision=col(Submission.revision) + 1, public_sequence=col(Submission.public_sequence) + 1)
        .returning(*(col(getattr(Submission, name)) for name in _Noted._fields))
    )
    told = [(row, _event_values(tx, row, row.state, note, row.public_sequence)) for row in map(_Noted._make, noted)]
    if told:
        await tx.session.execute(insert(EventRow), [values for _, values in told])
        await _announce_many(tx, locked)
        await _tell_many(tx, [(row, values["id"]) for row, values in told])
    return locked


class _Noted(NamedTuple):
    """What is needed of a submission to tell of a note: its other columns can be large."""

    id: str
    revision: int
    public_sequence: int
    state: State
    organisation_id: str
    track: Track


async def _tell_many(tx: Transaction, told: Sequence[tuple[_Noted, str]]) -> None:
    organisations = {row.organisation_id for row, _ in told}
    readers: dict[str, list[str]] = {}
    for person in await tx.session.scalars(_READERS, {"organisations": list(organisations)}):
        readers.setdefault(str(person.organisation_id), []).append(person.id)
    live = select(col(WebhookEndpoint.organisation_id)).where(
        col(WebhookEndpoint.organisation_id).in_(organisations), col(WebhookEndpoint.disabled_at).is_(None)
    )
    endpoints = set(await tx.session.scalars(live))
    mails = [
        (row.track, {"event_id": event_id, "person_id": person_id})
        for row, event_id in told
        for person_id in readers.get(row.organisation_id, ())
    ]
    await jobs.add_many(tx, jobs.JobName.MAIL, mails)
    calls = [
        (row.track, {"event_id": event_id, "organisation_id": row.organisation_id})
        for row, event_id in told
        if row.organisation_id in endpoints
    ]
    await jobs.add_many(tx, jobs.JobName.DELIVER, calls)


def _with_mail() -> Select[Person]:
    """Who of `organisations` wants mail: those with an address who can come here, by a key or by a password."""
    has_key = exists().where(col(ApiKey.person_id) == col(Person.id), col(ApiKey.revoked_at).is_(None))
    has_password = exists().where(col(SignIn.person_id) == col(Person.id))
    is_one = col(Person.organisation_id).in_(bindparam("organisations", expanding=True))
    return select(Person).where(is_one, col(Person.email).is_not(None), or_(has_key, has_password))


# Statements of every move are built once: to build one takes SQLAlchemy as long as to execute it.
_READERS = _with_mail()
_NOTIFY = text("SELECT pg_notify(:channel, :notice)")


async def tell(tx: Transaction, submission: Submission, event_id: str) -> None:
    """Queue a public event for the organisation's webhook and mail, in the transaction that writes the event."""
    await tx.session.flush()
    for person in await tx.session.scalars(_READERS, {"organisations": [submission.organisation_id]}):
        args = {"event_id": event_id, "person_id": person.id}
        jobs.add(tx, jobs.JobName.MAIL, submission.track, args)
    endpoint = await tx.session.get(WebhookEndpoint, submission.organisation_id)
    if endpoint is not None and endpoint.disabled_at is None:
        args = {"event_id": event_id, "organisation_id": submission.organisation_id}
        jobs.add(tx, jobs.JobName.DELIVER, submission.track, args)


async def _announce(tx: Transaction, row: Submission, was: str) -> None:
    """Have those who watch look again when this transaction has committed."""
    notice = {"channel": CHANNEL, "notice": f"{row.id} {was} {row.state}"}
    await tx.session.execute(_NOTIFY, notice)


async def _announce_many(tx: Transaction, submission_ids: Sequence[str]) -> None:
    """The same for notes, which leave the state as it is."""
    statement = "SELECT pg_notify(:channel, id || ' ' || state || ' ' || state) FROM submission WHERE id = ANY(:ids)"
    await tx.session.execute(text(statement), {"channel": CHANNEL, "ids": list(submission_ids)})


async def _locked(tx: Transaction, table: type[Row], what: str, row_id: str) -> Row:
    found: Row | None = await tx.session.scalar(_lock(table), {"row_id": row_id})
    if found is None:
        raise NotFound(what=what.lower(), id=row_id)
    tx.session.expunge(found)  # what was stays as it was; the UPDATE brings the new row
    return found


@cache
def _lock(table: type[Row]) -> Select[Row]:
    statement = select(table).where(col(table.id) == bindparam("row_id")).with_for_update()
    return statement.execution_options(populate_existing=True)


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
    values = {"state": transition.to or row.state, "revision": row.revision + 1, **counters, **(move.values or {})}
    held = {"held_id": row.id, "held_revision": row.revision, "held_state": row.state}
    new = {f"new_{name}": value for name, value in values.items()}
    moved: Row = (await tx.session.execute(_guarded(table, tuple(values)), held | new)).scalar_one()
    return moved


@cache
def _guarded(table: type[Row], names: tuple[str, ...]) -> ReturningUpdate[Row]:
    """The one UPDATE, of these columns, for a row that is as it was read."""
    return (
        update(table)
        .where(
            col(table.id) == bindparam("held_id"),
            col(table.revision) == bindparam("held_revision"),
            col(table.state) == bindparam("held_state"),
        )
        .values({name: bindparam(f"new_{name}") for name in names})
        .returning(table)
        .execution_options(synchronize_session=False)  # the session has no other copy of the row, and looking costs
    )


def _record(
    tx: Transaction, row: Submission | Change, was: str | None, move: Move[Any], public_sequence: int | None = None
) -> str:
    event = EventRow(**_event_values(tx, row, was, move, public_sequence))
    tx.session.add(event)
    return event.id


def _event_values(
    tx: Transaction, row: Submission | Change | _Noted, was: str | None, move: Move[Any], public_sequence: int | None
) -> dict[str, Any]:
    return {
        "id": f"EV-{uuid4().hex}",
        "subject_id": row.id,
        "sequence": row.revision,
        "public_sequence": public_sequence,
        "name": move.event,
        "state": row.state,
        "was": was,
        "actor_id": move.actor.person_id if move.actor else None,
        "at": tx.at,
        "data": dict(move.data or {}),
    }
