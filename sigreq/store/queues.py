"""The analysts' queue in SQL: the same order as `domain/queueing`, which says why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, not_, select
from sqlmodel import col

from sigreq.domain.lifecycle import Event, State
from sigreq.domain.queueing import TAKES_BEFORE_FAIRNESS, Band
from sigreq.domain.submission import Track
from sigreq.tables.events import Event as EventRow
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class View:
    """Whose queue: the cases of these groups (None: all), without those that this person may not take."""

    groups: Collection[str] | None = None
    not_barred: str | None = None


def band(now: datetime) -> ColumnElement[int]:
    """`domain/queueing.band` in SQL."""
    return case(
        (col(Submission.warn_at) <= now, int(Band.DUE_SOON)),
        (col(Submission.warn_at).is_not(None), int(Band.GUARANTEED)),
        (col(Submission.track) == Track.EXPEDITED, int(Band.EXPEDITED)),
        else_=int(Band.STANDARD),
    )


async def waiting(tx: Transaction, view: View, limit: int) -> Sequence[Submission]:
    """Waiting cases in the order of `domain/queueing.order_key`."""
    order = (band(tx.at), col(Submission.due_at), col(Submission.received_at), col(Submission.id))
    statement = select(Submission).where(*_open_to(view)).order_by(*order).limit(limit)
    return (await tx.session.scalars(statement.execution_options(populate_existing=True))).all()


async def next_case(tx: Transaction, view: View) -> Submission | None:
    """`domain/queueing.next_case` in SQL: the first of the queue, or the standard case whose turn fairness makes it."""
    first = await waiting(tx, view, 1)
    if not first or (first[0].warn_at is not None and first[0].warn_at <= tx.at):
        return first[0] if first else None
    overdue = await _overdue_standard(tx, view) if await _is_run_of_expedited(tx, view) else None
    return overdue or first[0]


def _open_to(view: View) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(Submission.state) == State.QUEUED]
    if view.groups is not None:
        conditions.append(col(Submission.group_id).in_(view.groups))
    if view.not_barred is not None:
        conditions.append(not_(func.jsonb_exists(col(Submission.barred), view.not_barred)))
    return conditions


async def _is_run_of_expedited(tx: Transaction, view: View) -> bool:
    """Whether the last cases taken in these groups were all expedited."""
    statement = (
        select(col(Submission.track))
        .join(EventRow, col(EventRow.subject_id) == col(Submission.id))
        .where(col(EventRow.name) == Event.TAKEN)
        .order_by(col(EventRow.at).desc(), col(EventRow.id).desc())
        .limit(TAKES_BEFORE_FAIRNESS)
    )
    if view.groups is not None:
        statement = statement.where(col(Submission.group_id).in_(view.groups))
    last = (await tx.session.scalars(statement)).all()
    return len(last) == TAKES_BEFORE_FAIRNESS and set(last) == {Track.EXPEDITED}


async def _overdue_standard(tx: Transaction, view: View) -> Submission | None:
    statement = (
        select(Submission)
        .where(*_open_to(view), col(Submission.track) == Track.STANDARD, col(Submission.due_at) <= tx.at)
        .order_by(col(Submission.received_at), col(Submission.id))
        .limit(1)
    )
    return await tx.session.scalar(statement)
