"""Analyst groups and who works in them."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain.errors import NotFound
from sigreq.domain.people import Actor, Role
from sigreq.tables.people import AnalystGroup, GroupMember, Person
from sigreq.transaction import Transaction

FIRST = "analysts"  # the group that is there from the beginning, and that new analysts join


async def of(tx: Transaction, actor: Actor) -> frozenset[str] | None:
    """The groups whose cases somebody works on; None for those who see all."""
    if actor.role not in {Role.ANALYST, Role.LEAD}:
        return None
    statement = select(col(GroupMember.group_id)).where(col(GroupMember.person_id) == actor.person_id)
    return frozenset(await tx.session.scalars(statement))


async def find(tx: Transaction, group_id: str) -> AnalystGroup | None:
    """One group, if it exists."""
    return await tx.session.get(AnalystGroup, group_id)


async def get(tx: Transaction, group_id: str) -> AnalystGroup:
    """One group. Raises NotFound."""
    found = await find(tx, group_id)
    if found is None:
        raise NotFound(what="analyst group", id=group_id)
    return found


async def hold(tx: Transaction, group_id: str) -> None:
    """Let nobody else add to a list of this group's until the transaction ends."""
    statement = select(col(AnalystGroup.id)).where(col(AnalystGroup.id) == group_id)
    await tx.session.execute(statement.with_for_update(key_share=True))


async def listed(tx: Transaction) -> Sequence[tuple[AnalystGroup, list[Person]]]:
    """All groups with their members."""
    groups = (await tx.session.scalars(select(AnalystGroup).order_by(col(AnalystGroup.id)))).all()
    statement = select(GroupMember, Person).join(Person, col(Person.id) == col(GroupMember.person_id))
    members = (await tx.session.execute(statement.order_by(col(Person.id)))).all()
    return [(group, [person for member, person in members if member.group_id == group.id]) for group in groups]


async def put(tx: Transaction, row: AnalystGroup) -> AnalystGroup:
    """Add a group, or change where its on-call is warned."""
    return await tx.session.merge(row)


async def join(tx: Transaction, group_id: str, person_id: str) -> None:
    """Have somebody work in a group; twice is no error. Raises NotFound."""
    await get(tx, group_id)
    statement = insert(GroupMember).values(group_id=group_id, person_id=person_id).on_conflict_do_nothing()
    await tx.session.execute(statement)


async def leave(tx: Transaction, group_id: str, person_id: str) -> None:
    """Have somebody work in a group no more."""
    is_it = (col(GroupMember.group_id) == group_id) & (col(GroupMember.person_id) == person_id)
    await tx.session.execute(delete(GroupMember).where(is_it))
