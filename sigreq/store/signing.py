"""Signing keys and signed evidence."""

from collections.abc import Collection, Sequence

from sqlalchemy import select, update
from sqlmodel import col

from sigreq.domain.signing import KeyRole, KeyState
from sigreq.tables.trust import Evidence, SigningKey
from sigreq.transaction import Transaction


async def keys(tx: Transaction) -> Sequence[SigningKey]:
    """Every key that ever was, oldest first."""
    return (await tx.session.scalars(select(SigningKey).order_by(col(SigningKey.created_at), col(SigningKey.id)))).all()


async def keys_of(tx: Transaction, role: KeyRole, states: Collection[KeyState]) -> Sequence[SigningKey]:
    """The keys of a role in one of these states, oldest first."""
    statement = select(SigningKey).where(col(SigningKey.role) == role, col(SigningKey.state).in_(states))
    statement = statement.order_by(col(SigningKey.created_at), col(SigningKey.id))
    return (await tx.session.scalars(statement)).all()


async def add(tx: Transaction, rows: Sequence[SigningKey]) -> None:
    """Keep new keys."""
    tx.session.add_all(rows)
    await tx.session.flush()


async def activate(tx: Transaction, key_ids: Collection[str]) -> None:
    """Have these keys sign from now on."""
    is_one = col(SigningKey.id).in_(key_ids)
    values = {"state": KeyState.ACTIVE, "activated_at": tx.at}
    await tx.session.execute(update(SigningKey).where(is_one).values(**values))


async def retire(tx: Transaction, key_ids: Collection[str]) -> None:
    """End these keys: their private halves are gone for good."""
    is_one = col(SigningKey.id).in_(key_ids)
    values = {"state": KeyState.RETIRED, "private": None, "retired_at": tx.at}
    await tx.session.execute(update(SigningKey).where(is_one).values(**values))


async def distrust(tx: Transaction, key_ids: Collection[str]) -> None:
    """Mark keys as in somebody else's hands: the next root does not name them."""
    is_one = col(SigningKey.id).in_(key_ids)
    await tx.session.execute(update(SigningKey).where(is_one).values(is_compromised=True))


async def keep_evidence(tx: Transaction, row: Evidence) -> None:
    """Keep what was signed about a case, once for each version."""
    if await evidence(tx, row.submission_id, row.version) is None:
        tx.session.add(row)
        await tx.session.flush()


async def evidence(tx: Transaction, submission_id: str, version: str) -> Evidence | None:
    """What was signed about a case when this version fixed it."""
    return await tx.session.get(Evidence, (submission_id, version))
