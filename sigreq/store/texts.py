"""Texts that analyst groups answer with."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from sigreq.domain.errors import AlreadyExists, NotFound
from sigreq.domain.limits import LISTS
from sigreq.domain.list_errors import ListFull
from sigreq.domain.people import Language
from sigreq.store import groups
from sigreq.tables.desk import CannedText
from sigreq.transaction import Transaction


class Title(NamedTuple):
    """A text as one chooses it; what it says is read when it was chosen."""

    id: str
    title: str
    language: Language


async def listed(tx: Transaction, of: Collection[str] | None) -> Sequence[CannedText]:
    """Those of these groups (None: all), by group, language and title."""
    statement = select(CannedText)
    if of is not None:
        statement = statement.where(col(CannedText.group_id).in_(of))
    order = (col(CannedText.group_id), col(CannedText.language), col(CannedText.title))
    return (await tx.session.scalars(statement.order_by(*order))).all()


async def titles(tx: Transaction, group_id: str) -> list[Title]:
    """A group's texts to choose from, by language and title."""
    statement = select(col(CannedText.id), col(CannedText.title), col(CannedText.language))
    statement = statement.where(col(CannedText.group_id) == group_id)
    found = await tx.session.execute(statement.order_by(col(CannedText.language), col(CannedText.title)))
    return [Title(text_id, title, language) for text_id, title, language in found]


async def get(tx: Transaction, text_id: str, of: Collection[str] | None) -> CannedText:
    """One of these groups' (None: all). Raises NotFound."""
    found = await tx.session.get(CannedText, text_id)
    if found is None or (of is not None and found.group_id not in of):
        raise NotFound(what="text", id=text_id)
    return found


async def put(tx: Transaction, row: CannedText) -> CannedText:
    """Add a text, or change it.

    Raises AlreadyExists where the group has another of that title and language, ListFull.
    """
    await groups.hold(tx, row.group_id)
    others = select(func.count()).where(col(CannedText.group_id) == row.group_id, col(CannedText.id) != row.id)
    if (await tx.session.scalar(others) or 0) >= LISTS.texts_of_a_group:
        raise ListFull(what="texts of one group", limit=LISTS.texts_of_a_group)
    try:
        async with tx.session.begin_nested():
            merged = await tx.session.merge(row)
    except IntegrityError as error:
        raise AlreadyExists(what="text", id=row.title) from error
    return merged


async def remove(tx: Transaction, text_id: str) -> None:
    """Take a text away."""
    await tx.session.execute(delete(CannedText).where(col(CannedText.id) == text_id))
