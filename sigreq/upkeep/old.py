"""Lets go what was kept long enough: the feed's entries, and jobs that are done."""

import structlog

from sigreq.settings import Feed, Jobs
from sigreq.store import feed, jobs
from sigreq.transaction import Database

log = structlog.get_logger()


async def drop_old_entries(database: Database, settings: Feed) -> None:
    """Drop what was kept long enough. Who has not read it by now starts from the snapshot."""
    async with database.transaction() as tx:
        dropped = await feed.drop_older(tx, tx.at - settings.kept)
    if dropped:
        log.info("feed.dropped", entries=dropped)


async def drop_done_jobs(database: Database, settings: Jobs) -> None:
    """Drop jobs that nobody asks about any more, and with them the end of a webhook's log."""
    dropped, newly = 0, 1
    while newly:
        async with database.transaction() as tx:
            newly = await jobs.drop_done(tx, tx.at - settings.kept)
        dropped += newly
    if dropped:
        log.info("jobs.dropped", jobs=dropped)
