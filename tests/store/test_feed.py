"""The feed in the database: what a look costs, and how old entries go."""

from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sigreq.domain.feed import Place
from sigreq.embedded.stack import Addresses
from sigreq.store import feed
from sigreq.transaction import Database, Transaction
from tests.embedded.support import query
from tests.feed import Stream, at_database, begin, entry_of, new_stream, say, tell

TOUCHED = """
    SELECT relname FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
    AND pg_stat_get_xact_numscans(oid) > 0 AND (relkind = 'i' OR pg_stat_get_xact_tuples_returned(oid) > 0)"""


async def _touched(tx: Transaction) -> list[str]:
    """The indexes that this transaction has looked into, and the tables it has read from end to end."""
    return list(await tx.session.scalars(text(TOUCHED)))


def test_a_look_at_the_end_of_the_feed_touches_one_index_and_no_table(addresses: Addresses) -> None:
    stream = new_stream(addresses.database_url)
    say(addresses.database_url, stream, *(f"{number}" for number in range(300)))
    query(addresses.owner_database_url, "ANALYZE feed_entry")

    async def look(database: Database) -> tuple[Place, list[str]]:
        async with database.transaction() as tx:
            return await feed.end(tx), await _touched(tx)

    head, touched = at_database(addresses.database_url, look)
    assert head.number >= 300
    assert touched == ["pk_feed_entry"]


async def _fail(database: Database, stream: Stream) -> None:
    async with database.transaction() as tx:
        await feed.append(tx, entry_of(stream, "never", tx.at))
        await tx.session.execute(text("SELECT 1 / 0"))


def test_numbers_have_no_gap_though_a_transaction_was_rolled_back(addresses: Addresses) -> None:
    async def write(database: Database) -> list[int]:
        stream = await begin(database)
        await tell(database, stream, "before")
        with pytest.raises(DBAPIError):
            await _fail(database, stream)
        await tell(database, stream, "after")
        async with database.transaction() as tx:
            found = await feed.page(tx, stream.product, after=0, track=None, limit=9)
            return [entry.number for entry in found.entries]

    before, after = at_database(addresses.database_url, write)
    assert after == before + 1


def test_old_entries_go_from_the_beginning_and_the_last_one_stays(addresses: Addresses) -> None:
    stream = new_stream(addresses.database_url)
    say(addresses.database_url, stream, "old", "older than it should be", "young", "last")

    async def drop(database: Database) -> tuple[int, int, int]:
        async with database.transaction() as tx:
            await feed.drop_older(tx, tx.at - timedelta(days=7))
        async with database.transaction() as tx:
            found = await feed.page(tx, stream.product, after=0, track=None, limit=9)
            return found.first, len(found.entries), found.head.number

    (head,) = query(addresses.database_url, "SELECT max(number) FROM feed_entry")
    age = "UPDATE feed_entry SET at = at - interval '8 days' WHERE number"
    query(addresses.owner_database_url, f"{age} <= {head - 3}", f"{age} = {head - 1}")
    assert at_database(addresses.database_url, drop) == (head - 2, 3, head)
    query(addresses.owner_database_url, f"{age} > 0")
    assert at_database(addresses.database_url, drop) == (head, 1, head)


def test_the_application_cannot_drop_what_is_younger_than_a_day(addresses: Addresses) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="younger than a day"):
        query(addresses.database_url, "SELECT drop_feed_entries(now() - interval '23 hours')")
