"""What the repository is to offer: bytes first, then the row that names them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sigreq.blobs import Blobs, relief_key, repository_key
from sigreq.domain.extra_bundles import is_relief
from sigreq.domain.signing import role_of, target_file
from sigreq.domain.submission import Track
from sigreq.store import jobs, repository
from sigreq.store.jobs import JobName
from sigreq.tables.extras import Extra
from sigreq.tables.trust import BundleTarget
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Stored:
    """A bundle whose bytes are in the store, and which nobody can see yet."""

    name: str
    sha256: str
    size: int


async def store(bundles: Blobs, name: str, content: bytes) -> Stored:
    """Put a bundle where clients will look for it. Raises TargetUnfitError, ServiceUnavailable."""
    role_of(name)
    sha256 = hashlib.sha256(content).hexdigest()
    await bundles.put_bytes(stored_as(f"targets/{target_file(name, sha256)}"), content, sha256)
    return Stored(name, sha256, len(content))


def stored_as(path: str) -> str:
    """Where a file of the repository lies in the store. Relief is for one organisation, so no mirror has it."""
    kind, _, name = path.partition("/")
    return relief_key(path) if kind == "targets" and is_relief(name) else repository_key(path)


async def offer(tx: Transaction, product: str, version: str, bundles: Sequence[Stored]) -> None:
    """Offer a version's bundles from the commit on, as long as the version is published and not withdrawn.

    The same again is no error. Raises AlreadyExists for other bytes under a used name.
    """
    for each in bundles:
        row = BundleTarget(
            name=each.name, product_id=product, version=version, sha256=each.sha256, size=each.size, added_at=tx.at
        )
        await repository.add_target(tx, row)
    publish_soon(tx)


async def offer_extra(tx: Transaction, extra: Extra, bundle: Stored) -> None:
    """Offer an extra from the commit on, as long as it is in force. The same again is no error."""
    row = BundleTarget(
        name=bundle.name,
        product_id=extra.product_id,
        version=extra.base_version,
        extra_id=extra.id,
        sha256=bundle.sha256,
        size=bundle.size,
        added_at=tx.at,
    )
    await repository.add_target(tx, row)
    publish_soon(tx)


def publish_soon(tx: Transaction) -> None:
    """Have the repository brought up to date after the commit."""
    jobs.add(tx, JobName.REPOSITORY, Track.EXPEDITED, {})
