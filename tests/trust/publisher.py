"""Publishes a version and what extras wait, and is killed at a step: before or after the store has an object.

Run as a process of its own: python -m tests.trust.publisher STEP VERSION PERSON, with the settings in the environment.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta

from sigreq.blobs import Blobs
from sigreq.domain.changes import ChangeKind
from sigreq.domain.extras import additions_of
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.signing import Lives
from sigreq.domain.submission import Track
from sigreq.embedded.stack import Addresses
from sigreq.settings import Settings, Trust
from sigreq.store import extras, releases
from sigreq.tables import people  # noqa: F401 - foreign keys name its tables
from sigreq.tables.extras import Extra
from sigreq.tables.releases import Change, Release
from sigreq.transaction import Database, Transaction
from sigreq.trust import targets
from sigreq.trust.extras import ExtraTeller
from sigreq.trust.keyring import Keyring
from sigreq.trust.repository import Repository

PASSPHRASE = "correct-horse-battery-staple"


def environment(addresses: Addresses) -> dict[str, str]:
    """The settings of an installation on this stack."""
    found = {
        "SIGREQ_DATABASE__URL": addresses.database_url,
        "SIGREQ_REDIS__URL": addresses.redis_url,
        "SIGREQ_S3__ENDPOINT": addresses.s3_endpoint,
        "SIGREQ_TRUST__PASSPHRASE": PASSPHRASE,
    }
    for name in ("samples", "bundles"):
        found[f"SIGREQ_S3__{name.upper()}__NAME"] = getattr(addresses, f"{name}_bucket")
        found[f"SIGREQ_S3__{name.upper()}__ACCESS_KEY"] = getattr(addresses, f"{name}_access_key")
        found[f"SIGREQ_S3__{name.upper()}__SECRET_KEY"] = getattr(addresses, f"{name}_secret_key")
    return found


class Killed(Blobs):
    """A store whose client dies at one of the steps, without a word."""

    left = -1

    async def put_bytes(self, key: str, content: bytes, sha256: str) -> None:
        """Put it, unless this is the end."""
        self._step()
        await super().put_bytes(key, content, sha256)
        self._step()

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def _send(_: object) -> None:
    """No worker listens."""


async def add_extra(tx: Transaction, person: str, base: str | None) -> Extra:
    """An approved change, and an extra of it that is in force for an hour: one hash."""
    change = Change(
        id=new_identifier("CH"), product_id="acme-av", kind=ChangeKind.HASH_ADD, track=Track.EXPEDITED,
        state=ChangeState.APPROVED, revision=0, rev=1, created_at=tx.at,
    )  # fmt: skip
    tx.session.add(change)
    await tx.session.flush()
    payload = {"sha256": "a" * 64, "name": "Urgent"}
    row = Extra(
        id=new_identifier("EX"), product_id="acme-av", base_version=base, kind=ChangeKind.HASH_ADD, payload=payload,
        sha256="a" * 64, digest=additions_of(ChangeKind.HASH_ADD, payload).digest, change_id=change.id, hours=1,
        proposed_by=person, proposed_at=tx.at, live_at=tx.at, expires_at=tx.at + timedelta(hours=1),
    )  # fmt: skip
    return await extras.add(tx, row)


async def publish(database: Database, bundles: Blobs, settings: Trust, version: str, person: str) -> None:
    """All steps from the bytes of a version to the timestamp that shows it; again after any of them is no error."""
    stored = await targets.store(bundles, f"acme-av/{version}/yara.tar", version.encode())
    async with database.transaction() as tx:
        if await releases.published(tx, "acme-av", version) is None:
            highest = await releases.highest_ordinal(tx, "acme-av") or 0
            tx.session.add(Release(
                product_id="acme-av", version=version, ordinal=highest + 1, published_at=tx.at,
                ruleset_digest="0" * 64, content_digest="0" * 64, published_by=person,
            ))  # fmt: skip
        await targets.offer(tx, "acme-av", version, [stored])
    await ExtraTeller(database, bundles).run()
    await Repository(database, bundles, Keyring(settings), Lives()).run()


async def _main(step: int, version: str, person: str) -> None:
    settings = Settings()
    database = Database(settings.database.url.get_secret_value(), pool_size=2, send=_send)
    bundles = Killed(settings.s3, settings.s3.bundles)
    bundles.left = step
    await publish(database, bundles, settings.trust, version, person)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), *sys.argv[2:4]))
