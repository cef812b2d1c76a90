"""The analysts' queue in SQL: the same order as `domain/queueing`, which says why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, not_, select
from sqlmodel import col

from sigreq.domain.lifecycle import Event, State
from sigreq.domain.queueing import TAKES_BEFORE_FAIRNESS, Band
from sigreq.domain.submission import Kind, Track
from sigreq.tables.events import Event as EventRow
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Filters:
    """Which of the waiting cases somebody wants to look at; None: whatever it is. `detection` is a part of the name."""

    band: Band | None = None
    track: Track | None = None
    plan: str | None = None
    severity: int | None = None
    organisation: str | None = None
    kind: Kind | None = None
    detection: str | None = None
    finding: str | None = None

    def conditions(self, now: datetime) -> list[ColumnElement[bool]]:
        """The same in SQL."""
        columns = {
            band(now): self.band,
            col(Submission.track): self.track,
            col(Submission.plan_id): self.plan,
            col(Submission.severity): self.severity,
            col(Submission.organisation_id): self.organisation,
            col(Submission.kind): self.kind,
            col(Submission.finding): self.finding,
        }
        found = [column == wanted for column, wanted in columns.items() if wanted is not None]
        if self.detection is not None:  # no index finds it, nor has to: what waits is counted at every look anyway
            found.append(col(Submission.detection_name).icontains(self.detection, autoescape=True))
        return found


@dataclass(frozen=True)
class View:
    """Whose queue: the cases of these groups (None: all), without those that this person may not take."""

    groups: Collection[str] | None = None
    not_barred: str | None = None
    only: Filters = field(default_factory=Filters)


def band(now: datetime) -> ColumnElement[int]:
    """`domain/queueing.band` in SQL."""
    return case(
        (col(Submission.warn_at) <= now, int(Band.DUE_SOON)),
        (col(Submission.warn_at).is_not(None), int(Band.GUARANTEED)),
        (col(Submission.track) == Track.EXPEDITED, int(Band.EXPEDITED)),
        else_=int(Band.STANDARD),
    )


async def waiting(tx: Transaction, view: View, limit: int) -> Sequence[Submission]:
    """Waiting cases in the order of `domain/queueing.order_key`.

    Band by band, because each has an index that is in its order, and all of them together have none.
    """
    found: list[Submission] = []
    for each, is_in_band in _in_bands(tx.at).items():
        if view.only.band not in {None, each} or len(found) >= limit:
            continue
        order = (col(Submission.due_at), col(Submission.received_at), col(Submission.id))
        statement = select(Submission).where(*_open_to(view), *view.only.conditions(tx.at), is_in_band)
        statement = statement.order_by(*order).limit(limit - len(found)).execution_options(populate_existing=True)
        found += (await tx.session.scalars(statement)).all()
    return found


def _in_bands(now: datetime) -> dict[Band, ColumnElement[bool]]:
    """The same as `band`, as the conditions that the indexes know."""
    is_promised = col(Submission.warn_at).is_not(None)
    return {
        Band.DUE_SOON: is_promised & (col(Submission.warn_at) <= now),
        Band.GUARANTEED: is_promised & (col(Submission.warn_at) > now),
        Band.EXPEDITED: ~is_promised & (col(Submission.track) == Track.EXPEDITED),
        Band.STANDARD: ~is_promised & (col(Submission.track) == Track.STANDARD),
    }


async def bands(tx: Transaction, view: View) -> dict[Band, int]:
    """How many cases wait in each band."""
    found = band(tx.at).label("band")
    conditions = [*_open_to(view), *view.only.conditions(tx.at)]
    statement = select(found, func.count()).where(*conditions).group_by(found)
    counted = {Band(each): number for each, number in await tx.session.execute(statement)}
    return {each: counted.get(each, 0) for each in Band}


async def of_analyst(tx: Transaction, person_id: str, limit: int) -> Sequence[Submission]:
    """What somebody works on, and what of it waits for a customer or a release; what is due first comes first."""
    theirs = [State.IN_ANALYSIS, State.AWAITING_CUSTOMER, State.DETERMINED]
    statement = select(Submission).where(col(Submission.analyst_id) == person_id, col(Submission.state).in_(theirs))
    order = (col(Submission.state) != State.IN_ANALYSIS, col(Submission.due_at), col(Submission.id))
    return (await tx.session.scalars(statement.order_by(*order).limit(limit))).all()


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
