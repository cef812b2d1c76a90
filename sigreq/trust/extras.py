"""Extras and relief in the feed and in the repository.

That one is put in force is told, signed, in the transaction that does it. That it is over is told soon after: whatever
ends it holds rows already, and the feed's lock comes before any row.
"""

from dataclasses import dataclass
from typing import Any

import structlog

from sigreq.blobs import Blobs
from sigreq.domain.extra_bundles import ExtraBundle, additions_told
from sigreq.domain.extras import additions_of
from sigreq.domain.signing import KeyRole
from sigreq.domain.statements import EXTRA_TYPE, extra_document
from sigreq.domain.submission import Track
from sigreq.store import extras, feed, jobs, locks
from sigreq.store.jobs import JobName, Lease
from sigreq.store.locks import Lock
from sigreq.tables.extras import Extra
from sigreq.tables.releases import FeedEntry
from sigreq.transaction import Database, Transaction
from sigreq.trust import targets
from sigreq.trust.keyring import Keyring
from sigreq.work import Finish, nothing

log = structlog.get_logger()
EXTRA_TRACK = Track.EXPEDITED


def begun(extra: Extra) -> str:
    """What the feed says when it is put in force."""
    return "extra_published" if extra.submission_id is None else "relief_given"


def over(extra: Extra) -> str:
    """What the feed says when it is over."""
    return "extra_ended" if extra.submission_id is None else "relief_ended"


def bundle_of(extra: Extra) -> ExtraBundle:
    """An extra that is or was in force, as a bundle."""
    assert extra.live_at is not None  # noqa: S101 - what was only proposed is nobody's
    assert extra.expires_at is not None  # noqa: S101 - it has an end, too
    added = additions_of(extra.kind, extra.payload)
    return ExtraBundle(extra.id, extra.product_id, extra.base_version, added, extra.live_at, extra.expires_at)


async def sealed_extra(tx: Transaction, keyring: Keyring, extra: Extra) -> dict[str, Any]:
    """What release tooling has to know of an extra in force, and its signatures. Raises ServiceUnavailable."""
    bundle = bundle_of(extra)
    document = {
        **_named(extra),
        "digest": extra.digest,
        "additions": additions_told(bundle.added),
        "live_at": bundle.live_at.isoformat(),
        "expires_at": bundle.expires_at.isoformat(),
        "bundle": {"name": bundle.name, "sha256": bundle.sha256, "size": len(bundle.content)},
    }
    payload = extra_document(extra.product_id, EXTRA_TRACK, document)
    return {**document, "envelope": await keyring.seal(tx, KeyRole.APPROVALS, EXTRA_TYPE, payload)}


async def tell_begun(tx: Transaction, keyring: Keyring, extra: Extra) -> None:
    """Append to the feed that an extra is in force, and have it offered. The lock FEED must be held.

    Raises ServiceUnavailable when it cannot be signed; only where no keys are installed it goes out without.
    """
    await feed.append(tx, _entry(tx, extra, begun(extra), await sealed_extra(tx, keyring, extra)))
    jobs.add(tx, JobName.EXTRAS, EXTRA_TRACK, {})


@dataclass(frozen=True)
class ExtraTeller:
    """Brings the feed and the repository up to date with what is in force, and what is not any more."""

    database: Database
    bundles: Blobs

    async def tell(self, _lease: Lease) -> Finish:
        """Do it. May be broken off anywhere: whatever is missing is found again."""
        await self.run()
        return nothing

    async def run(self) -> None:
        """The same. Raises ServiceUnavailable."""
        async with self.database.transaction() as tx:
            await _tell_ends(tx)
        async with self.database.transaction() as tx:
            waiting = await extras.unoffered(tx)
        for extra in waiting:
            bundle = bundle_of(extra)
            stored = await targets.store(self.bundles, bundle.name, bundle.content)
            async with self.database.transaction() as tx:
                await targets.offer_extra(tx, extra, stored)


async def keep_told(database: Database) -> None:
    """Have done what a job left undone."""
    async with database.transaction() as tx:
        is_undone = await extras.is_any_end_untold(tx) or bool(await extras.unoffered(tx))
        if is_undone and not await jobs.is_open(tx, JobName.EXTRAS):
            jobs.add(tx, JobName.EXTRAS, EXTRA_TRACK, {})


async def give_up(_tx: Transaction, _lease: Lease, told: str) -> None:
    """Nothing is lost: whatever was not told is found again."""
    log.error("extras.not_told", fault=told)


async def _tell_ends(tx: Transaction) -> None:
    await locks.hold(tx, Lock.FEED)
    ended = await extras.take_untold_ends(tx)
    for each in ended:
        ended_at = each.ended_at.isoformat() if each.ended_at else None
        document = {**_named(each), "ending": each.ending, "ended_at": ended_at}
        await feed.append(tx, _entry(tx, each, over(each), document))
    if ended:
        targets.publish_soon(tx)


def _named(extra: Extra) -> dict[str, Any]:
    return {
        "id": extra.id,
        "kind": extra.kind,
        "base_version": extra.base_version,
        "change_id": extra.change_id,
        "submission_id": extra.submission_id,
        "organisation": extra.organisation_id,
    }


def _entry(tx: Transaction, extra: Extra, action: str, document: dict[str, Any]) -> FeedEntry:
    return FeedEntry(
        number=0,
        product_id=extra.product_id,
        track=EXTRA_TRACK,
        action=action,
        extra_id=extra.id,
        document=document,
        at=tx.at,
    )
