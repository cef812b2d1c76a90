"""The clean corpus: its sources, its files, its revisions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import col

from sigreq.domain.corpus import SourceState
from sigreq.domain.errors import NotFound
from sigreq.domain.people import Actor
from sigreq.store import locks
from sigreq.store.locks import Lock
from sigreq.store.one_of import one_of
from sigreq.tables.corpus import CorpusFile, CorpusRevision, CorpusSource
from sigreq.transaction import Transaction


async def revision(tx: Transaction) -> int:
    """The number of the corpus as it is now; 0 before the first."""
    return await tx.session.scalar(select(func.max(col(CorpusRevision.number)))) or 0


async def revisions(tx: Transaction, limit: int) -> Sequence[CorpusRevision]:
    """Newest first."""
    statement = select(CorpusRevision).order_by(col(CorpusRevision.number).desc()).limit(limit)
    return (await tx.session.scalars(statement)).all()


async def all_contents(tx: Transaction) -> list[tuple[str, int]]:
    """The files whose content is in the store, once each: SHA-256 and size in bytes."""
    statement = (
        select(col(CorpusFile.sha256), col(CorpusFile.size))
        .join(CorpusSource, col(CorpusSource.id) == col(CorpusFile.source_id))
        .where(col(CorpusFile.size).is_not(None), col(CorpusSource.state) == SourceState.COMPLETE)
        .ext(distinct_on(col(CorpusFile.sha256)))
        .order_by(col(CorpusFile.sha256))
    )
    return [(str(row[0]), int(row[1] or 0)) for row in await tx.session.execute(statement)]


async def known_hashes(tx: Transaction, sha256s: Collection[str]) -> set[str]:
    """Which of these are clean, by their content or by a list."""
    statement = (
        select(col(CorpusFile.sha256))
        .join(CorpusSource, col(CorpusSource.id) == col(CorpusFile.source_id))
        .where(one_of(col(CorpusFile.sha256), sha256s), col(CorpusSource.state) == SourceState.COMPLETE)
    )
    return set(await tx.session.scalars(statement))


async def lock_source(tx: Transaction, source_id: str, *, is_shared: bool = False) -> CorpusSource:
    """A source, whose state stays until the transaction ends; if not shared, nobody adds to it. Raises NotFound."""
    lock = {"read": True} if is_shared else True
    found = await tx.session.get(CorpusSource, source_id, populate_existing=True, with_for_update=lock)
    if found is None:
        raise NotFound(what="corpus source", id=source_id)
    return found


async def sources(tx: Transaction) -> Sequence[CorpusSource]:
    """All sources, by name."""
    return (await tx.session.scalars(select(CorpusSource).order_by(col(CorpusSource.id)))).all()


async def counts(tx: Transaction) -> Mapping[str, tuple[int, int]]:
    """How many files each source has, and how many bytes of content."""
    statement = select(
        col(CorpusFile.source_id), func.count(), func.coalesce(func.sum(col(CorpusFile.size)), 0)
    ).group_by(col(CorpusFile.source_id))
    return {str(row[0]): (int(row[1]), int(row[2] or 0)) for row in await tx.session.execute(statement)}


async def add_source(tx: Transaction, row: CorpusSource) -> None:
    """A new source."""
    tx.session.add(row)
    await tx.session.flush()


async def write_source(tx: Transaction, source_id: str, values: Mapping[str, Any]) -> None:
    """Write to a source."""
    await tx.session.execute(update(CorpusSource).where(col(CorpusSource.id) == source_id).values(**values))


async def add_files(tx: Transaction, source_id: str, files: Mapping[str, int | None]) -> None:
    """Files of a source, by SHA-256 with their sizes; what it has already stays."""
    rows = [{"source_id": source_id, "sha256": sha256, "size": size} for sha256, size in sorted(files.items())]
    if rows:
        await tx.session.execute(insert(CorpusFile).on_conflict_do_nothing(), rows)


async def stored(tx: Transaction, sha256s: Collection[str]) -> dict[str, int]:
    """Those of these whose content is in the store already, whichever source brought it, with their sizes."""
    statement = select(col(CorpusFile.sha256), col(CorpusFile.size)).where(
        one_of(col(CorpusFile.sha256), sha256s), col(CorpusFile.size).is_not(None)
    )
    return {str(row[0]): int(row[1] or 0) for row in await tx.session.execute(statement)}


async def remove(tx: Transaction, source_id: str) -> None:
    """A source with all its files; what other sources have too stays theirs."""
    await tx.session.execute(delete(CorpusFile).where(col(CorpusFile.source_id) == source_id))
    await tx.session.execute(delete(CorpusSource).where(col(CorpusSource.id) == source_id))


async def among(tx: Transaction, source_id: str, sha256s: Collection[str]) -> set[str]:
    """Which of these a source has."""
    statement = select(col(CorpusFile.sha256)).where(
        col(CorpusFile.source_id) == source_id, one_of(col(CorpusFile.sha256), sha256s)
    )
    return set(await tx.session.scalars(statement))


async def contents_of(tx: Transaction, source_id: str) -> Sequence[str]:
    """The SHA-256 of what a source has in the store."""
    is_own, is_stored = col(CorpusFile.source_id) == source_id, col(CorpusFile.size).is_not(None)
    return (await tx.session.scalars(select(col(CorpusFile.sha256)).where(is_own, is_stored))).all()


async def revise(tx: Transaction, actor: Actor | None, what: str) -> CorpusRevision:
    """The corpus has changed: a new revision, with what it holds now. Revisions appear in their order."""
    await locks.hold(tx, Lock.CORPUS)
    total = await tx.session.scalar(
        select(func.count(func.distinct(col(CorpusFile.sha256))))
        .join(CorpusSource, col(CorpusSource.id) == col(CorpusFile.source_id))
        .where(col(CorpusSource.state) == SourceState.COMPLETE)
    )
    contents = len(await all_contents(tx))
    row = CorpusRevision(
        number=await revision(tx) + 1,
        at=tx.at,
        by=actor.person_id if actor else None,
        what=what,
        contents=contents,
        hashes=(total or 0) - contents,
    )
    tx.session.add(row)
    await tx.session.flush()
    return row
