"""What each Idempotency-Key was answered."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.tables.submissions import Idempotency
from sigreq.transaction import Transaction


async def answered_before(tx: Transaction, person_id: str, key: str) -> Idempotency | None:
    """What this person's key was used for."""
    return await tx.session.get(Idempotency, (person_id, key), populate_existing=True)


async def reserve_key(tx: Transaction, person_id: str, key: str, fingerprint: str) -> bool:
    """Whether the key is ours now. Of two at once the second waits here for the first one's commit."""
    statement = (
        insert(Idempotency)
        .values(person_id=person_id, key=key, fingerprint=fingerprint, created_at=tx.at)
        .on_conflict_do_nothing()
        .returning(col(Idempotency.key))
    )
    return await tx.session.scalar(statement) is not None


async def keep_answer(tx: Transaction, person_id: str, key: str, answer: dict[str, Any]) -> None:
    """Write what the key was answered, in the submission's own transaction."""
    is_ours = (col(Idempotency.person_id) == person_id) & (col(Idempotency.key) == key)
    await tx.session.execute(update(Idempotency).where(is_ours).values(answer=answer))
