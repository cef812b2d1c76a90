"""Where a reader begins whose cursor is older than the feed: what is open, and the cursor to go on from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sigreq.domain.feed import Place
from sigreq.domain.submission import Track
from sigreq.release.changes import described
from sigreq.store import feed, releases
from sigreq.tables.releases import Change
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Snapshot:
    """Every change that was approved and not answered, each with its description; and where to read on."""

    changes: Sequence[tuple[Change, dict[str, Any]]]
    cursor: Place


async def take(tx: Transaction, product_id: str, track: Track | None) -> Snapshot:
    """The open changes of a product, oldest first. Raises NotFound.

    The cursor is read first: what is approved or ended meanwhile may stand in both, and nothing in neither.
    """
    await releases.known_product(tx, product_id)
    cursor = await feed.end(tx)
    rows = await feed.open_changes(tx, product_id, track)
    return Snapshot([(row, await described(tx, row)) for row in rows], cursor)
