"""Reading signature changes and their revisions."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.changes import Content, content_of
from sigreq.domain.errors import NotFound
from sigreq.domain.lifecycle import ChangeState
from sigreq.tables.releases import Change, ChangeRevision
from sigreq.transaction import Transaction


async def find(tx: Transaction, change_id: str) -> Change | None:
    """One change, if it exists."""
    return await tx.session.get(Change, change_id, populate_existing=True)


async def get(tx: Transaction, change_id: str) -> Change:
    """One change. Raises NotFound."""
    found = await find(tx, change_id)
    if found is None:
        raise NotFound(what="change", id=change_id)
    return found


async def revision(tx: Transaction, change: Change) -> ChangeRevision:
    """The current revision of a change."""
    return await tx.session.get_one(ChangeRevision, (change.id, change.rev))


async def content(tx: Transaction, change: Change) -> Content:
    """What the current revision asks for."""
    return content_of(change.kind, (await revision(tx, change)).payload)


async def listed(tx: Transaction, state: ChangeState | None, limit: int) -> Sequence[Change]:
    """Newest first."""
    statement = select(Change).order_by(col(Change.created_at).desc(), col(Change.id).desc()).limit(limit)
    if state is not None:
        statement = statement.where(col(Change.state) == state)
    return (await tx.session.scalars(statement)).all()
