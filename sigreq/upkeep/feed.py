"""Lets the feed's old entries go."""

import structlog

from sigreq.settings import Feed
from sigreq.store import feed
from sigreq.transaction import Database

log = structlog.get_logger()


async def drop_old_entries(database: Database, settings: Feed) -> None:
    """Drop what was kept long enough. Who has not read it by now starts from the snapshot."""
    async with database.transaction() as tx:
        dropped = await feed.drop_older(tx, tx.at - settings.kept)
    if dropped:
        log.info("feed.dropped", entries=dropped)
