"""What of the corpus is done in the background: a prefix of the store is read, and what nobody needs is removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from tempfile import TemporaryFile

from sigreq.blobs import BlobMissing, Blobs, corpus_key
from sigreq.corpus import keeping
from sigreq.domain.corpus import SourceState
from sigreq.domain.corpus_errors import CorpusMalware, CorpusSourceClosed
from sigreq.domain.errors import NotFound, ServiceUnavailable
from sigreq.domain.ruleset import Ruleset
from sigreq.scanning.published import Rulesets
from sigreq.store import corpus, jobs, releases
from sigreq.store.jobs import Lease
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing

READ_AT_ONCE = 100
SWEPT_AT_ONCE = 20
"""Whoever adds to the corpus waits for so many."""


async def newest_rulesets(database: Database, rulesets: Rulesets) -> list[Ruleset]:
    """The signatures that are in force, of each product."""
    async with database.transaction() as tx:
        newest = [await releases.newest(tx, product.id) for product in await releases.products(tx)]
    found = [await rulesets.find(each.ruleset_digest) for each in newest if each is not None]
    return [each for each in found if each is not None]


@dataclass(frozen=True)
class CorpusReader:
    """Reads prefixes of the bucket that has the corpus."""

    database: Database
    rulesets: Rulesets
    store: Blobs
    lease: timedelta

    async def read(self, lease: Lease) -> Finish:
        """Copy every object of a prefix to where the corpus lies, and complete the source."""
        source_id = lease.args["source_id"]
        async with self.database.transaction() as tx:
            await jobs.renew(tx, lease, self.lease)
        try:
            keys = await self._copied(source_id)
        except (NotFound, CorpusSourceClosed):
            return nothing  # removed, or completed, also meanwhile
        in_force = await newest_rulesets(self.database, self.rulesets)

        async def finish(tx: Transaction) -> None:
            try:
                if not keys:
                    await _fail(tx, source_id, "there is nothing under this prefix")
                else:
                    await keeping.complete(tx, None, source_id, in_force)
            except CorpusMalware as found:
                await _fail(tx, source_id, found.message)

        return finish

    async def _copied(self, source_id: str) -> list[str]:
        """All of its objects, of the source now. Raises NotFound, CorpusSourceClosed, ServiceUnavailable."""
        async with self.database.transaction() as tx:
            source = await keeping.open_source(tx, source_id)
        keys = await self.store.keys(source.location)
        for start in range(0, len(keys), READ_AT_ONCE):
            await self._take(source_id, keys[start : start + READ_AT_ONCE])
        return keys

    async def _take(self, source_id: str, keys: Sequence[str]) -> None:
        """Copy some; they are of the source once their bytes are there."""
        left = keys
        for _ in range(keeping.MOST_TIMES):
            if not left:
                return
            copied = await self._copy(left)
            sizes = dict(copied.values())
            async with self.database.transaction() as tx:
                gone = await keeping.add_stored(tx, self.store, source_id, sizes)
            left = [key for key, (sha256, _) in copied.items() if sha256 in gone]
        if left:
            raise ServiceUnavailable(keeping.STORE)

    async def _copy(self, keys: Sequence[str]) -> dict[str, tuple[str, int]]:
        """The hash and the size of each object that was there to be copied, and not empty."""
        copied: dict[str, tuple[str, int]] = {}
        for key in keys:
            with TemporaryFile() as file:
                try:
                    sha256 = await self.store.fetch(key, file)
                except BlobMissing:
                    continue  # removed since it was listed
                if not file.tell():
                    continue  # emptied since: nothing to be detected in, and what is empty is never listed
                copied[key] = sha256, file.tell()
                await self.store.put_file(corpus_key(sha256), file, sha256)
        return copied

    async def sweep(self, lease: Lease) -> Finish:
        """Remove contents from the store that no source has any more."""
        sha256s = lease.args["sha256s"]
        for start in range(0, len(sha256s), SWEPT_AT_ONCE):
            async with self.database.transaction() as tx:
                await keeping.sweep(tx, self.store, sha256s[start : start + SWEPT_AT_ONCE])
        return nothing


async def _fail(tx: Transaction, source_id: str, told: str) -> None:
    await corpus.write_source(tx, source_id, {"state": SourceState.FAILED, "fault": told[:500]})


async def give_up(tx: Transaction, lease: Lease, told: str) -> None:
    """The prefix could not be read: its source says so, and counts for nothing."""
    await _fail(tx, lease.args["source_id"], told)


async def give_up_sweep(_tx: Transaction, _lease: Lease, _told: str) -> None:
    """What stays in the store does no harm; the job's row keeps the last error."""
