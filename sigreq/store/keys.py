"""An organisation's API keys, as its own people see and revoke them."""

import re
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlmodel import col

from sigreq.domain.errors import NotFound
from sigreq.tables.people import ApiKey, Person
from sigreq.transaction import Transaction

_ID = 16


def id_of(row: ApiKey) -> str:
    """What a key is called: the beginning of its hash, which opens nothing."""
    return row.digest[:_ID]


async def of_organisation(tx: Transaction, organisation_id: str) -> Sequence[tuple[ApiKey, Person]]:
    """All that its people were ever given, with whose each is: those that work first, the newest first."""
    statement = (
        select(ApiKey, Person)
        .join(Person, col(Person.id) == col(ApiKey.person_id))
        .where(col(Person.organisation_id) == organisation_id)
        .order_by(col(ApiKey.revoked_at).desc().nulls_first(), col(ApiKey.created_at).desc(), col(ApiKey.digest))
    )
    return (await tx.session.execute(statement)).tuples().all()


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
