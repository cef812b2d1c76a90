"""How the clean corpus is kept: sources are loaded, completed and removed, and each change makes a revision."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sigreq.blobs import Blobs, corpus_key
from sigreq.domain.corpus import SourceKind, SourceState
from sigreq.domain.corpus_errors import CorpusMalware, CorpusSourceClosed
from sigreq.domain.errors import AlreadyExists, ServiceUnavailable
from sigreq.domain.people import Actor
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.store import corpus, jobs, locks
from sigreq.store.locks import Lock
from sigreq.tables.corpus import CorpusRevision, CorpusSource
from sigreq.transaction import Database, Transaction

MOST_NAMED = 5
STORE = "the store of the clean corpus"
MOST_TIMES = 5
"""So often is put back what somebody sweeps at the same moment, before the store is left alone for a while."""


@dataclass(frozen=True)
class Clean:
    """A clean file that is at hand."""

    file: BinaryIO
    sha256: str
    size: int


async def add(tx: Transaction, actor: Actor, source_id: str, kind: SourceKind, location: str) -> CorpusSource:
    """A new source, or the same one again while it is being loaded. A prefix is read in the background.

    Raises AlreadyExists.
    """
    known = {each.id: each for each in await corpus.sources(tx)}
    found = known.get(source_id)
    if found is not None:
        if (found.kind, found.location, found.state) != (kind, location, SourceState.LOADING):
            raise AlreadyExists(what="corpus source", id=source_id)
        return found
    row = CorpusSource(
        id=source_id,
        kind=kind,
        location=location,
        state=SourceState.LOADING,
        added_by=actor.person_id,
        added_at=tx.at,
    )
    await corpus.add_source(tx, row)
    if kind is SourceKind.PREFIX:
        jobs.add(tx, jobs.JobName.CORPUS_READ, Track.STANDARD, {"source_id": source_id})
    return row


async def missing(tx: Transaction, source_id: str, sha256s: Collection[str]) -> list[str]:
    """Which of these contents the store lacks; the others belong to the source from now on."""
    await open_source(tx, source_id)
    await locks.share(tx, Lock.CORPUS_BYTES)  # what somebody has is not swept until it is this source's too
    stored = await corpus.stored(tx, sha256s)
    await corpus.add_files(tx, source_id, stored)
    return sorted(set(sha256s) - set(stored))


async def add_hashes(tx: Transaction, source_id: str, sha256s: Collection[str]) -> None:
    """Files that a list names. Raises NotFound, CorpusSourceClosed."""
    await open_source(tx, source_id)
    await corpus.add_files(tx, source_id, dict.fromkeys(sha256s))


async def add_stored(tx: Transaction, store: Blobs, source_id: str, sizes: Mapping[str, int]) -> set[str]:
    """Files whose content has been put into the store, with their sizes; which of them were swept since.

    Those are not the source's yet: they have to be put there again. Raises NotFound, CorpusSourceClosed,
    ServiceUnavailable.
    """
    await open_source(tx, source_id)
    await locks.share(tx, Lock.CORPUS_BYTES)  # from here on nothing is swept
    needed = await corpus.stored(tx, sizes)
    gone = {each for each in sizes.keys() - needed if not await store.keys(corpus_key(each))}
    await corpus.add_files(tx, source_id, {each: size for each, size in sizes.items() if each not in gone})
    return gone


async def take(database: Database, store: Blobs, source_id: str, files: Sequence[Clean]) -> None:
    """Put files into the store, and make them the source's once they are there; empty ones are left out.

    Raises as `add_stored`.
    """
    left = {each.sha256: each for each in files if each.size}
    for _ in range(MOST_TIMES):
        if not left:
            return
        for each in left.values():
            await store.put_file(corpus_key(each.sha256), each.file, each.sha256)
        async with database.transaction() as tx:
            gone = await add_stored(tx, store, source_id, {each.sha256: each.size for each in left.values()})
        left = {sha256: left[sha256] for sha256 in gone}
    if left:
        raise ServiceUnavailable(STORE)


async def sweep(tx: Transaction, store: Blobs, sha256s: Collection[str]) -> None:
    """Remove contents from the store that no source has any more. Raises ServiceUnavailable."""
    await locks.hold(tx, Lock.CORPUS_BYTES)  # whoever adds one of them has done so, or finds that it is gone
    for sha256 in set(sha256s) - set(await corpus.stored(tx, sha256s)):
        await store.remove(corpus_key(sha256))


async def open_source(tx: Transaction, source_id: str, *, is_ending: bool = False) -> CorpusSource:
    """A source that is being loaded, until the transaction ends; `is_ending` waits for all who add to it.

    Raises NotFound, CorpusSourceClosed.
    """
    row = await corpus.lock_source(tx, source_id, is_shared=not is_ending)
    if row.state is not SourceState.LOADING:
        raise CorpusSourceClosed(id=source_id, state=row.state)
    return row


async def complete(tx: Transaction, actor: Actor | None, source_id: str, newest: Sequence[Ruleset]) -> CorpusRevision:
    """All of it is there: from now on it counts. `newest` are the signatures in force. Raises CorpusMalware."""
    await open_source(tx, source_id, is_ending=True)
    detected = {sha256 for ruleset in newest for sha256 in ruleset.hashes}
    bad = sorted(await corpus.among(tx, source_id, detected))
    if bad:
        named = ", ".join(bad[:MOST_NAMED]) + (f" and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else "")
        raise CorpusMalware(id=source_id, files=named)
    await corpus.write_source(tx, source_id, {"state": SourceState.COMPLETE, "completed_at": tx.at})
    return await corpus.revise(tx, actor, f"{source_id} added")


async def remove(tx: Transaction, actor: Actor, source_id: str) -> CorpusRevision:
    """Take a source out. What no other source has is removed from the store afterwards. Raises NotFound."""
    row = await corpus.lock_source(tx, source_id)
    # Also what another source has by now: that may be removed at the same moment. Whoever sweeps looks again.
    contents = await corpus.contents_of(tx, row.id)
    await corpus.remove(tx, row.id)
    for start in range(0, len(contents), SWEPT_BY_ONE_JOB):
        args = {"sha256s": list(contents[start : start + SWEPT_BY_ONE_JOB])}
        jobs.add(tx, jobs.JobName.CORPUS_SWEEP, Track.STANDARD, args)
    return await corpus.revise(tx, actor, f"{source_id} removed")


SWEPT_BY_ONE_JOB = 500
