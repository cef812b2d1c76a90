"""The trains of each product, and which changes wait for one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from sigreq.domain.extras import goes_at_once
from sigreq.domain.lifecycle import ChangeState, State
from sigreq.domain.people import Actor
from sigreq.domain.trains import Awaited, Schedule, expected_release
from sigreq.store import releases
from sigreq.tables.releases import Change, ChangeSubmission, FeedEntry, TrainSchedule
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


async def schedule(tx: Transaction, product_id: str) -> Schedule | None:
    """When the product's trains depart; None where it has none."""
    row = await tx.session.get(TrainSchedule, product_id, populate_existing=True)
    return None if row is None else Schedule.read(row.days, row.times, row.time_zone)


async def put_schedule(tx: Transaction, actor: Actor, product_id: str, new: Schedule) -> None:
    """Set or replace it. Raises NotFound."""
    await releases.known_product(tx, product_id)
    row = TrainSchedule(product_id=product_id, set_by=actor.person_id, set_at=tx.at, **new.document())
    await tx.session.merge(row)
    await tx.session.flush()


async def remove_schedule(tx: Transaction, product_id: str) -> None:
    """Have everything go out at once; without a schedule that is no error. Raises NotFound."""
    await releases.known_product(tx, product_id)
    row = await tx.session.get(TrainSchedule, product_id)
    if row is not None:
        await tx.session.delete(row)
        await tx.session.flush()


async def expected(tx: Transaction, rows: Sequence[Submission]) -> dict[str, datetime | None]:
    """When each of these may expect its change, by id; None where nothing is awaited, or nobody can say."""
    waiting = [row for row in rows if row.state is State.DETERMINED]
    drafted = await _drafted(tx, [row.id for row in waiting])
    schedules = {product: await schedule(tx, product) for product in {row.product_id for row in waiting}}
    found: dict[str, datetime | None] = dict.fromkeys((row.id for row in rows), None)
    for row in waiting:
        since = row.determined_at or row.received_at
        changes = [(change, at) for change, at in drafted.get(row.id, ()) if change.created_at >= since]
        awaited = [
            Awaited(goes_at_once(change.track, change.kind), at if change.state in _APPROVED else None)
            for change, at in changes
            if change.state is not ChangeState.PUBLISHED
        ]
        if awaited or not changes:  # else all of it is out, and the proof is on its way
            found[row.id] = expected_release(schedules[row.product_id], row.track, awaited, tx.at)
    return found


_APPROVED = {ChangeState.APPROVED, ChangeState.PICKED_UP}


async def _drafted(tx: Transaction, submission_ids: Sequence[str]) -> dict[str, list[tuple[Change, datetime | None]]]:
    """The changes that were not withdrawn, by submission, each with when the feed said last that it is approved."""
    if not submission_ids:
        return {}
    announced = (
        select(func.max(col(FeedEntry.at)))
        .where(col(FeedEntry.change_id) == col(Change.id), col(FeedEntry.action) == "approved")
        .scalar_subquery()
    )
    statement = (
        select(col(ChangeSubmission.submission_id), Change, announced)
        .join(Change, col(Change.id) == col(ChangeSubmission.change_id))
        .where(col(ChangeSubmission.submission_id).in_(submission_ids), col(Change.state) != ChangeState.WITHDRAWN)
    )
    found: dict[str, list[tuple[Change, datetime | None]]] = {}
    for submission_id, change, at in await tx.session.execute(statement):
        found.setdefault(submission_id, []).append((change, at))
    return found
