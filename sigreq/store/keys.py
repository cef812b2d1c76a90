"""An organisation's API keys, as its own people see and revoke them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, tuple_, update
from sqlmodel import col

from sigreq.domain.errors import NotFound
from sigreq.tables.people import ApiKey, Person
from sigreq.transaction import Transaction

_ID = 16


def id_of(row: ApiKey) -> str:
    """What a key is called: the beginning of its hash, which opens nothing."""
    return row.digest[:_ID]


class Place(NamedTuple):
    """Where a key stands in its list: those that work come first, each half has what happened last at its top."""

    works: bool
    at: datetime
    id: str


def place_of(row: ApiKey) -> Place:
    """To go on behind it."""
    return Place(row.revoked_at is None, row.revoked_at or row.created_at, id_of(row))


async def page(
    tx: Transaction, organisation_id: str, *, after: Place | None, limit: int
) -> Sequence[tuple[ApiKey, Person]]:
    """What its people were ever given, with whose each is: those that work, then those that were revoked."""
    place = (
        col(ApiKey.revoked_at).is_(None),
        func.coalesce(col(ApiKey.revoked_at), col(ApiKey.created_at)),
        func.left(col(ApiKey.digest), _ID),
    )
    statement = (
        select(ApiKey, Person)
        .join(Person, col(Person.id) == col(ApiKey.person_id))
        .where(col(Person.organisation_id) == organisation_id)
        .order_by(*(each.desc() for each in place))
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(*place) < tuple_(*after))
    return [(row[0], row[1]) for row in await tx.session.execute(statement)]


async def revoke(tx: Transaction, organisation_id: str, key_id: str) -> None:
    """Make a key of the organisation useless at once; one that was revoked stays so. Raises NotFound."""
    found = await _find(tx, organisation_id, key_id) if re.fullmatch(f"[0-9a-f]{{{_ID}}}", key_id) else None
    if found is None:
        raise NotFound(what="API key", id=key_id[:60])
    live = (col(ApiKey.digest) == found) & col(ApiKey.revoked_at).is_(None)
    await tx.session.execute(update(ApiKey).where(live).values(revoked_at=tx.at))


async def _find(tx: Transaction, organisation_id: str, key_id: str) -> str | None:
    statement = (
        select(col(ApiKey.digest))
        .join(Person, col(Person.id) == col(ApiKey.person_id))
        .where(col(Person.organisation_id) == organisation_id, col(ApiKey.digest).startswith(key_id))
    )
    return await tx.session.scalar(statement)
