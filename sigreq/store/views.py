"""Views of the queue that somebody has saved for themselves."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain.limits import LISTS
from sigreq.domain.list_errors import ListFull
from sigreq.store import people
from sigreq.tables.desk import SavedView
from sigreq.transaction import Transaction


async def of(tx: Transaction, person_id: str) -> Sequence[SavedView]:
    """A person's views by name."""
    statement = select(SavedView).where(col(SavedView.person_id) == person_id).order_by(col(SavedView.name))
    return (await tx.session.scalars(statement)).all()


async def save(tx: Transaction, person_id: str, name: str, query: str) -> None:
    """Keep filters under a name; a name that is taken gets the new ones. Raises ListFull."""
    await people.hold_person(tx, person_id)
    others = {each.name for each in await of(tx, person_id)} - {name}
    if len(others) >= LISTS.views_of_a_person:
        raise ListFull(what="saved views of one person", limit=LISTS.views_of_a_person)
    values = {"person_id": person_id, "name": name, "query": query, "saved_at": tx.at}
    statement = insert(SavedView).values(**values)
    changed = {"query": query, "saved_at": tx.at}
    await tx.session.execute(statement.on_conflict_do_update(index_elements=["person_id", "name"], set_=changed))


async def remove(tx: Transaction, person_id: str, name: str) -> None:
    """Forget one of a person's views."""
    is_it = (col(SavedView.person_id) == person_id) & (col(SavedView.name) == name)
    await tx.session.execute(delete(SavedView).where(is_it))
