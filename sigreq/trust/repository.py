"""Bundles as a TUF repository: its documents are composed in one transaction, and go out in an order nobody can catch.

Each version of a document is a row before it is an object, so that a publisher that dies is followed by one that
sends the same bytes. An object that no document names is seen by nobody, so those go out first and without a lock; the
timestamp, which names the rest, is last.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from tuf.api.metadata import DelegatedRole, Delegations, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from sigreq.blobs import BlobMissing, Blobs, repository_key
from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.signing import (
    EXPEDITED_PATHS,
    KeyRole,
    KeyState,
    Lives,
    is_due,
    metadata_file,
    next_version,
    role_of,
)
from sigreq.domain.submission import Track
from sigreq.settings import Trust
from sigreq.store import jobs, locks, repository, signing
from sigreq.store.jobs import JobName, Lease
from sigreq.store.locks import Lock
from sigreq.tables.trust import BundleTarget, RepositoryDocument
from sigreq.transaction import Database, Transaction
from sigreq.trust.documents import Body, read, signed
from sigreq.trust.keyring import Keyring, public_of
from sigreq.work import Finish, nothing

log = structlog.get_logger()
ACTIVE = (KeyState.ACTIVE,)
Make = Callable[[int, datetime], Body]
# A timestamp that is on its way from elsewhere lands once. If ours is replaced so often, something else is wrong.
_SENT_AGAIN = 5


@dataclass(frozen=True)
class Repository:
    """Publishes the bundles that were offered, and keeps the signatures fresh."""

    database: Database
    bundles: Blobs
    keyring: Keyring
    lives: Lives

    async def publish(self, _lease: Lease) -> Finish:
        """Bring the repository up to date; without installed keys there is none. May be broken off anywhere."""
        await self.run()
        return nothing

    async def run(self) -> None:
        """The same. Raises ServiceUnavailable."""
        shown = await self._shown()
        async with self.database.transaction() as tx:
            await locks.hold(tx, Lock.REPOSITORY)
            if await repository.latest(tx, Root.type) is None:
                return
            newest = await repository.latest(tx, KeyRole.TIMESTAMP)
            # Clients were shown a later state than we know: the database was restored from a backup.
            is_behind = newest is not None and shown > newest.version
            await compose(tx, self.keyring, self.lives, is_anew=is_behind)
        await self.upload()

    async def upload(self) -> None:
        """Send what has not gone out, in its order. Raises ServiceUnavailable.

        Nobody else sends meanwhile, but one who lost the lock with the connection may have a timestamp on its way
        still, which then lands on a newer one: the newest is read back, and sent until it is what the store has.
        """
        newest = await self._send()
        for _ in range(_SENT_AGAIN):
            if newest is None or await self._is_out(newest):
                return
            newest = await self._send(is_again=True)
        log.warning("repository.timestamp_replaced")
        raise ServiceUnavailable("the bundle repository")

    async def _send(self, *, is_again: bool = False) -> RepositoryDocument | None:
        """Send what has not gone out, the newest timestamp also `is_again`; that timestamp."""
        sent = await self._send_unseen()
        async with self.database.transaction() as tx:
            await locks.hold(tx, Lock.REPOSITORY)
            waiting = await repository.waiting(tx)
            surpassed = await self._surpassed(waiting)
            for row in waiting:
                if row.number not in sent and row not in surpassed:
                    await self.put(row)
            await repository.mark_uploaded(tx, [row.number for row in waiting])
            await repository.drop_old_contents(tx)
            newest = await repository.latest(tx, KeyRole.TIMESTAMP)
            if newest is not None and is_again:
                await self.put(newest)
            return newest

    async def _send_unseen(self) -> set[int]:
        """Send what nobody looks for before a timestamp names it, which takes long: nobody has to wait for that.

        A root is looked for by its number, and so is not of these.
        """
        async with self.database.transaction() as tx:
            waiting = await repository.waiting(tx)
        unseen = [row for row in waiting if row.role not in {Root.type, KeyRole.TIMESTAMP}]
        for row in unseen:
            await self.put(row)
        return {row.number for row in unseen}

    async def _surpassed(self, waiting: Sequence[RepositoryDocument]) -> Sequence[RepositoryDocument]:
        """The timestamps that somebody sent who died before it was noted, when clients are shown a later one by now.

        Whoever has seen that one would take them for a roll-back.
        """
        before = [row for row in waiting if row.role == KeyRole.TIMESTAMP][:-1]
        shown = await self._shown() if before else 0
        return [row for row in before if row.version < shown]

    async def keep_fresh(self) -> None:
        """Have it published again before its timestamp expires, or when something has not gone out or was replaced.

        Raises ServiceUnavailable.
        """
        async with self.database.transaction() as tx:
            if await repository.latest(tx, Root.type) is None:
                return
            newest = await repository.latest(tx, KeyRole.TIMESTAMP)
            is_fresh = newest is not None and not is_due(newest.expires_at, self.lives.timestamp, tx.at)
            is_fresh = is_fresh and not await repository.is_any_waiting(tx)
        if newest is not None and is_fresh and await self._is_out(newest):
            return
        async with self.database.transaction() as tx:
            if not await jobs.is_open(tx, JobName.REPOSITORY):
                jobs.add(tx, JobName.REPOSITORY, Track.EXPEDITED, {})

    async def put(self, row: RepositoryDocument) -> None:
        """Send one document. Raises ServiceUnavailable."""
        content = row.content.encode()
        key = repository_key(f"metadata/{metadata_file(row.role, row.version)}")
        await self.bundles.put_bytes(key, content, hashlib.sha256(content).hexdigest())

    async def _shown(self) -> int:
        """The version of the timestamp that clients are shown; 0 for what is not there, or not ours."""
        try:
            shown = json.loads(await self.bundles.get_bytes(repository_key("metadata/timestamp.json")))
            return int(shown["signed"]["version"])
        except (BlobMissing, ValueError, KeyError, TypeError):
            return 0

    async def _is_out(self, row: RepositoryDocument) -> bool:
        key = repository_key(f"metadata/{metadata_file(row.role, row.version)}")
        try:
            return await self.bundles.get_bytes(key) == row.content.encode()
        except BlobMissing:
            return False


def lives_of(settings: Trust) -> Lives:
    """How long documents hold here."""
    return Lives(settings.timestamp_life, settings.snapshot_life, settings.targets_life)


async def give_up(_tx: Transaction, _lease: Lease, told: str) -> None:
    """Nothing is lost: whatever has not gone out is found again."""
    log.error("repository.not_published", fault=told)


async def compose(
    tx: Transaction,
    keyring: Keyring,
    lives: Lives,
    states: Collection[KeyState] = ACTIVE,
    *,
    is_anew: bool = False,
) -> None:
    """Write a new version of each document that changed, is due, or carries other signatures than it should.

    `is_anew` writes all of them. All or none, signed by the keys in these states. The lock REPOSITORY must be held.
    Raises ServiceUnavailable.
    """
    composer = _Composer(tx, keyring, lives, states, is_anew)
    offered: dict[KeyRole, dict[str, TargetFile]] = {KeyRole.EXPEDITED: {}, KeyRole.TARGETS: {}}
    for row in await repository.targets(tx):
        offered[role_of(row.name)][row.name] = _target(row)
    delegations = await _delegations(tx)
    expedited = await composer.renew(
        KeyRole.EXPEDITED, lambda version, until: Targets(version, None, until, offered[KeyRole.EXPEDITED])
    )
    targets = await composer.renew(
        KeyRole.TARGETS, lambda version, until: Targets(version, None, until, offered[KeyRole.TARGETS], delegations)
    )
    named = {f"{row.role}.json": _meta(row) for row in (expedited, targets)}
    snapshot = await composer.renew(KeyRole.SNAPSHOT, lambda version, until: Snapshot(version, None, until, named))
    of_snapshot = _meta(snapshot)
    await composer.renew(KeyRole.TIMESTAMP, lambda version, until: Timestamp(version, None, until, of_snapshot))


@dataclass(frozen=True)
class _Composer:
    tx: Transaction
    keyring: Keyring
    lives: Lives
    states: Collection[KeyState]
    is_anew: bool

    async def renew(self, role: KeyRole, make: Make) -> RepositoryDocument:
        """The role's document that says this: the one there is, or else a new version."""
        row = await repository.latest(self.tx, role)
        signers = await self.keyring.signers(self.tx, role, self.states)
        wanted = {each.public_key.keyid for each in signers}
        is_good = row is not None and not self.is_anew and not is_due(row.expires_at, self.lives.of(role), self.tx.at)
        if row is not None and is_good:
            before = read(row)
            if set(before.signatures) == wanted and make(row.version, before.signed.expires) == before.signed:
                return row
        until = self.tx.at.replace(microsecond=0) + self.lives.of(role)
        body = make(next_version(row.version if row else 0, self.tx.at), until)
        new = await self.keyring.in_time(role, signed, role, body, signers, self.tx.at)
        await repository.write(self.tx, new)
        return new


def _target(row: BundleTarget) -> TargetFile:
    return TargetFile(row.size, {"sha256": row.sha256}, row.name)


def _meta(row: RepositoryDocument) -> MetaFile:
    """How one document names another: by version, length and hash, so that no two states can be mixed."""
    return MetaFile.from_data(row.version, row.content.encode(), ["sha256"])


async def _delegations(tx: Transaction) -> Delegations:
    """Who may sign for what lies under `expedited/`, and for nothing else."""
    keys = {row.id: public_of(row) for row in await signing.keys_of(tx, KeyRole.EXPEDITED, ACTIVE)}
    name = KeyRole.EXPEDITED.value
    roles: Mapping[str, Any] = {name: DelegatedRole(name, sorted(keys), 1, terminating=True, paths=[*EXPEDITED_PATHS])}
    return Delegations(keys, dict(roles))
