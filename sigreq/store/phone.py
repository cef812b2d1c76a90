"""Requests taken by phone."""

from sqlalchemy import select
from sqlmodel import col

from sigreq.tables.submissions import PhoneRequest
from sigreq.transaction import Transaction


async def by_digest(tx: Transaction, digest: str, *, is_locking: bool) -> PhoneRequest | None:
    """The request whose link has this digest; locked, only one upload can use it."""
    statement = select(PhoneRequest).where(col(PhoneRequest.token_digest) == digest)
    if is_locking:
        statement = statement.with_for_update()
    return await tx.session.scalar(statement.execution_options(populate_existing=True))


async def use(tx: Transaction, row: PhoneRequest, submission_id: str) -> None:
    """The link has done its work."""
    row.used_at = tx.at
    row.submission_id = submission_id
    await tx.session.flush()
