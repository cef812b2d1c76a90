"""Where a reader begins whose cursor is older than the feed: what is open, and the cursor to go on from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sigreq.domain.feed import Place
from sigreq.domain.submission import Track
from sigreq.release.changes import sealed
from sigreq.store import extras, feed, releases
from sigreq.tables.extras import Extra
from sigreq.tables.releases import Change
from sigreq.transaction import Transaction
from sigreq.trust.extras import EXTRA_TRACK, sealed_extra
from sigreq.trust.keyring import Keyring


@dataclass(frozen=True)
class Snapshot:
    """Every change that was approved and not answered, and every extra in force, as told; and where to read on."""

    changes: Sequence[tuple[Change, dict[str, Any]]]
    extras: Sequence[tuple[Extra, dict[str, Any]]]
    cursor: Place


async def take(tx: Transaction, keyring: Keyring, product_id: str, track: Track | None) -> Snapshot:
    """The open changes and live extras of a product, oldest first. Raises NotFound, ServiceUnavailable.

    The cursor is read first: what is approved or ended meanwhile may stand in both, and nothing in neither.
    """
    await releases.known_product(tx, product_id)
    cursor = await feed.end(tx)
    rows = await feed.open_changes(tx, product_id, track)
    lying = await extras.live(tx, product_id) if track in {None, EXTRA_TRACK} else []
    return Snapshot(
        [(row, await sealed(tx, keyring, row)) for row in rows],
        [(row, await sealed_extra(tx, keyring, row)) for row in lying],
        cursor,
    )
