"""Service plans as an administrator edits them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from sigreq.store import calendars, groups
from sigreq.tables.people import Plan
from sigreq.transaction import Transaction


async def put(tx: Transaction, row: Plan) -> Plan:
    """Add or change a plan. Raises NotFound for an unknown group or calendar."""
    await groups.get(tx, row.group_id)
    for name in {row.office, *(goal["calendar"] for goal in row.goals.values())}:
        await calendars.revision(tx, name)
    merged = await tx.session.merge(row)
    await tx.session.flush()
    return merged


async def listed(tx: Transaction) -> Sequence[Plan]:
    """All plans, by name."""
    return (await tx.session.scalars(select(Plan).order_by(col(Plan.id)))).all()
