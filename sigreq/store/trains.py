"""The trains of each product, and which changes wait for one."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from sigreq.domain.extras import goes_at_once
from sigreq.domain.lifecycle import ChangeState, State
from sigreq.domain.people import Actor
from sigreq.domain.trains import Awaited, Schedule, expected_release
from sigreq.store import proofs, releases
from sigreq.store.one_of import one_of
from sigreq.tables.releases import Change, FeedEntry, TrainSchedule
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
    awaited = await proofs.awaited(tx, [row.id for row in waiting])
    announced = await _announced(tx, {change.id for changes in awaited.values() for change in changes})
    schedules = {product: await schedule(tx, product) for product in {row.product_id for row in waiting}}
    found: dict[str, datetime | None] = dict.fromkeys((row.id for row in rows), None)
    for row in waiting:
        changes = awaited.get(row.id, [])
        to_come = [
            Awaited(goes_at_once(change.track, change.kind), announced.get(change.id))
            for change in changes
            if change.state is not ChangeState.PUBLISHED
        ]
        if to_come or not changes:  # else all of it is out, and the proof is on its way
            found[row.id] = expected_release(schedules[row.product_id], row.track, to_come, tx.at)
    return found


async def _announced(tx: Transaction, change_ids: Collection[str]) -> dict[str, datetime]:
    """When the feed said last that they are approved, of those that are."""
    if not change_ids:
        return {}
    statement = (
        select(col(FeedEntry.change_id), func.max(col(FeedEntry.at)))
        .join(Change, col(Change.id) == col(FeedEntry.change_id))
        .where(
            one_of(col(FeedEntry.change_id), change_ids),
            col(FeedEntry.action) == "approved",
            col(Change.state).in_([ChangeState.APPROVED, ChangeState.PICKED_UP]),
        )
        .group_by(col(FeedEntry.change_id))
    )
    return {str(row[0]): row[1] for row in await tx.session.execute(statement)}
