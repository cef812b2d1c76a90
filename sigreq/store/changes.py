"""Reading signature changes and their revisions."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.changes import Content, content_of
from sigreq.domain.errors import NotFound
from sigreq.domain.gating import RunState
from sigreq.domain.lifecycle import ChangeState
from sigreq.tables.gates import GateRun
from sigreq.tables.releases import Change, ChangeRevision, Release
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


async def lock(tx: Transaction, change_id: str) -> Change:
    """The same, and nobody else moves it until the transaction ends. Raises NotFound."""
    found = await tx.session.get(Change, change_id, populate_existing=True, with_for_update=True)
    if found is None:
        raise NotFound(what="change", id=change_id)
    return found


async def revision(tx: Transaction, change: Change) -> ChangeRevision:
    """The current revision of a change."""
    return await tx.session.get_one(ChangeRevision, (change.id, change.rev))


async def content(tx: Transaction, change: Change) -> Content:
    """What the current revision asks for."""
    return content_of(change.kind, (await revision(tx, change)).payload)


async def tested_against(tx: Transaction, change: Change) -> str | None:
    """The version that the change was last tested with, if it passed."""
    run = await tx.session.get(GateRun, change.gate_id, populate_existing=True) if change.gate_id else None
    return run.base_version if run is not None and run.state is RunState.PASSED else None


async def listed(tx: Transaction, state: ChangeState | None, limit: int) -> Sequence[Change]:
    """Newest first."""
    statement = select(Change).order_by(col(Change.created_at).desc(), col(Change.id).desc()).limit(limit)
    if state is not None:
        statement = statement.where(col(Change.state) == state)
    return (await tx.session.scalars(statement)).all()


async def writers(tx: Transaction, change_id: str) -> set[str]:
    """Everybody who wrote a revision of a change: none of them may approve it."""
    statement = select(col(ChangeRevision.written_by)).where(col(ChangeRevision.change_id) == change_id)
    return set(await tx.session.scalars(statement))


async def published_in(tx: Transaction, product_id: str, version: str) -> Sequence[Change]:
    """The changes that came out with a version."""
    is_it = (col(Change.product_id) == product_id) & (col(Change.published_in) == version)
    return (await tx.session.scalars(select(Change).where(is_it).order_by(col(Change.id)))).all()


async def published(tx: Transaction, product_id: str) -> Sequence[Change]:
    """Every change of a product that is out, the newest version's first."""
    statement = (
        select(Change)
        .join(
            Release,
            (col(Release.product_id) == col(Change.product_id)) & (col(Release.version) == col(Change.published_in)),
        )
        .where(col(Change.product_id) == product_id, col(Change.state) == ChangeState.PUBLISHED)
        .order_by(col(Release.ordinal).desc(), col(Change.id))
    )
    return (await tx.session.scalars(statement)).all()
