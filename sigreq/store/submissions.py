"""Reading submissions: one, a page, the queue, and what upkeep looks for."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select, tuple_
from sqlmodel import col

from sigreq.domain.errors import NotFound
from sigreq.domain.lifecycle import Event as Said
from sigreq.domain.lifecycle import State
from sigreq.domain.people import Actor
from sigreq.domain.submission import Kind
from sigreq.store.one_of import one_of
from sigreq.tables.events import Event
from sigreq.tables.people import Person
from sigreq.tables.releases import Change, ChangeSubmission
from sigreq.tables.submissions import Submission, SubmissionFile
from sigreq.transaction import Transaction


def visible(actor: Actor) -> ColumnElement[bool]:
    """Customers see their own organisation's submissions; for them the others do not exist."""
    if actor.is_staff:
        return col(Submission.id).is_not(None)
    return col(Submission.organisation_id) == actor.organisation_id


async def get(
    tx: Transaction, submission_id: str, actor: Actor | None = None, *, is_locking: bool = False
) -> Submission:
    """One submission as the actor may see it (None: the service itself). Raises NotFound."""
    statement = select(Submission).where(col(Submission.id) == submission_id)
    if is_locking:
        statement = statement.with_for_update()
    if actor is not None:
        statement = statement.where(visible(actor))
    found = await tx.session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound(what="submission", id=submission_id)
    return found


async def by_id(tx: Transaction, submission_ids: Sequence[str]) -> dict[str, Submission]:
    """Those of them that there are."""
    return {
        row.id: row
        for row in await tx.session.scalars(select(Submission).where(one_of(col(Submission.id), submission_ids)))
    }


async def lock(tx: Transaction, submission_id: str, actor: Actor | None = None) -> Submission:
    """The same, and nobody else moves it until the transaction ends. Raises NotFound."""
    return await get(tx, submission_id, actor, is_locking=True)


def passwords(submission: Submission) -> list[str]:
    """What the customer said opens the archives among the files, in the order in which it was said."""
    return [word for word in (submission.archive_password, *submission.more_passwords) if word]


async def page(
    tx: Transaction,
    actor: Actor,
    *,
    state: State | None,
    after: tuple[datetime, str] | None,
    limit: int,
    product: str | None = None,
) -> Sequence[Submission]:
    """Newest first, by row-value keyset: a page costs the same wherever it starts."""
    key = tuple_(col(Submission.received_at), col(Submission.id))
    statement = select(Submission).where(visible(actor))
    if state is not None:
        statement = statement.where(col(Submission.state) == state)
    if product is not None:
        statement = statement.where(col(Submission.product_id) == product)
    if after is not None:
        statement = statement.where(key < tuple_(*after))
    statement = statement.order_by(col(Submission.received_at).desc(), col(Submission.id).desc()).limit(limit)
    return (await tx.session.scalars(statement)).all()


async def timeline(
    tx: Transaction, subject_id: str, *, is_public_only: bool, after: int = 0
) -> Sequence[tuple[Event, Person | None]]:
    """Events in their order behind a number, with who caused them; public ones have numbers of their own."""
    number = col(Event.public_sequence) if is_public_only else col(Event.sequence)
    statement = (
        select(Event, Person)
        .outerjoin(Person, col(Person.id) == col(Event.actor_id))
        .where(col(Event.subject_id) == subject_id, number > after)
        .order_by(number)
    )
    return (await tx.session.execute(statement)).all()


async def event(tx: Transaction, event_id: str) -> Event:
    """One event that is known to exist."""
    return await tx.session.get_one(Event, event_id)


async def event_of(tx: Transaction, subject_id: str, sequence: int) -> Event:
    """The event with this number, which is known to exist."""
    is_it = (col(Event.subject_id) == subject_id) & (col(Event.sequence) == sequence)
    return (await tx.session.scalars(select(Event).where(is_it))).one()


async def deciders(tx: Transaction, submission_id: str) -> set[str]:
    """Everybody who ever concluded on it."""
    statement = select(col(Event.actor_id)).where(
        col(Event.subject_id) == submission_id, col(Event.name) == Said.DETERMINED, col(Event.actor_id).is_not(None)
    )
    return {str(each) for each in await tx.session.scalars(statement)}


async def open_twin(
    tx: Transaction, organisation_id: str, product_id: str, kind: Kind, sha256s: Sequence[str]
) -> Submission | None:
    """The organisation's open submission of the same kind that already has every one of these files, locked."""
    has_all = [
        select(col(SubmissionFile.submission_id))
        .where(
            col(SubmissionFile.submission_id) == col(Submission.id),
            col(SubmissionFile.sha256) == sha256,
            col(SubmissionFile.parent).is_(None),
        )
        .exists()
        for sha256 in sha256s
    ]
    statement = (
        select(Submission)
        .where(
            col(Submission.organisation_id) == organisation_id,
            col(Submission.product_id) == product_id,
            col(Submission.kind) == kind,
            col(Submission.state).not_in([State.CLOSED, State.FIXED]),
            *has_all,
        )
        .order_by(col(Submission.received_at))
        .limit(1)
        .with_for_update()
    )
    return await tx.session.scalar(statement)


async def with_lapsed_claim(tx: Transaction, limit: int = 100) -> Sequence[str]:
    """In analysis, but the analyst has been silent for longer than the claim lives."""
    statement = select(col(Submission.id)).where(
        col(Submission.state) == State.IN_ANALYSIS, col(Submission.claim_expires_at) < tx.at
    )
    return (await tx.session.scalars(statement.limit(limit))).all()


async def fixed_before(tx: Transaction, moment: datetime, limit: int = 100) -> Sequence[str]:
    """Fixed, and not a word from the customer since `moment`."""
    statement = select(col(Submission.id)).where(
        col(Submission.state) == State.FIXED,
        col(Submission.fixed_at) < moment,
        ~exists().where(
            col(Event.subject_id) == col(Submission.id), col(Event.name) == Said.COMMENTED, col(Event.at) >= moment
        ),
    )
    return (await tx.session.scalars(statement.limit(limit))).all()


async def helped_by(tx: Transaction, change_id: str) -> Sequence[Submission]:
    """The submissions that a change is for."""
    statement = (
        select(Submission)
        .join(ChangeSubmission, col(ChangeSubmission.submission_id) == col(Submission.id))
        .where(col(ChangeSubmission.change_id) == change_id)
        .order_by(col(Submission.id))  # the order in which everybody locks
    )
    return (await tx.session.scalars(statement.execution_options(populate_existing=True))).all()


async def lock_helped_by(tx: Transaction, change_id: str) -> Sequence[Submission]:
    """The same as they are now, and nobody else moves them until the transaction ends.

    Whoever also writes the extra of the change calls this first: everybody locks cases before extras.
    """
    await lock_all(tx, await ids_helped_by(tx, [change_id]))
    return await helped_by(tx, change_id)


async def ids_helped_by(tx: Transaction, change_ids: Sequence[str]) -> Sequence[str]:
    """The submissions that any of these changes is for."""
    statement = select(col(ChangeSubmission.submission_id)).where(col(ChangeSubmission.change_id).in_(change_ids))
    ordered = statement.distinct().order_by(col(ChangeSubmission.submission_id))
    return (await tx.session.scalars(ordered)).all()


async def changes_of(tx: Transaction, submission_id: str) -> Sequence[Change]:
    """The changes drafted for a submission, oldest first."""
    statement = (
        select(Change)
        .join(ChangeSubmission, col(ChangeSubmission.change_id) == col(Change.id))
        .where(col(ChangeSubmission.submission_id) == submission_id)
        .order_by(col(Change.created_at), col(Change.id))
    )
    return (await tx.session.scalars(statement.execution_options(populate_existing=True))).all()


async def check_customer_of(tx: Transaction, organisation_id: str, product_id: str) -> None:
    """Let those pass who have asked about the product: whose it is, nobody tells us otherwise. Raises NotFound."""
    asked = exists().where(col(Submission.organisation_id) == organisation_id, col(Submission.product_id) == product_id)
    if not await tx.session.scalar(select(asked)):
        raise NotFound(what="product", id=product_id)


async def open_under(tx: Transaction, calendar_id: str) -> Sequence[str]:
    """Open submissions that were promised something in this calendar, in the order in which they may be locked."""
    statement = select(col(Submission.id)).where(
        col(Submission.state) != State.CLOSED, col(Submission.terms)["calendars"].has_key(calendar_id)
    )
    return (await tx.session.scalars(statement.order_by(col(Submission.id)))).all()


async def lock_all(tx: Transaction, submission_ids: Iterable[str]) -> None:
    """Have nobody else move these until the transaction ends, in the order in which everybody locks."""
    for submission_id in sorted(set(submission_ids)):
        await lock(tx, submission_id)


async def lock_concerned(
    tx: Transaction, product_id: str, version: str, also: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """The submissions that a version matters to, all locked: those fixed in it, and the open ones made under it.

    So are others (`also`), because all have to be locked in one order.
    """
    made_under = and_(col(Submission.database_version) == version, col(Submission.state) != State.CLOSED)
    is_fixed = col(Submission.fixed_in) == version
    statement = select(col(Submission.id), is_fixed, made_under).where(
        col(Submission.product_id) == product_id, or_(is_fixed, made_under, col(Submission.id).in_(also))
    )
    found = (await tx.session.execute(statement.order_by(col(Submission.id)).with_for_update())).all()
    return [row[0] for row in found if row[1]], [row[0] for row in found if row[2]]


async def with_due_warning(tx: Transaction, limit: int = 100) -> Sequence[str]:
    """Guaranteed answers for which a warning is due."""
    statement = select(col(Submission.id)).where(col(Submission.next_warning_at) <= tx.at)
    return (await tx.session.scalars(statement.order_by(col(Submission.next_warning_at)).limit(limit))).all()
