"""The feed: numbered under one lock, told of at each commit, read behind a cursor, dropped where it is old."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased
from sqlmodel import col

from sigreq.domain.feed import START, Entry, Page, Place, mark_of
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.submission import Track
from sigreq.store import locks
from sigreq.store.locks import Lock
from sigreq.tables.releases import Change, FeedEntry
from sigreq.transaction import Transaction

CHANNEL = "sigreq_feed"
OPEN = (ChangeState.APPROVED, ChangeState.PICKED_UP)


async def append(tx: Transaction, entry: FeedEntry) -> None:
    """Number and insert an entry, and tell those who wait for it when this transaction commits.

    Numbers have no gap and become visible in their order: the lock is held until the commit.
    """
    await locks.hold(tx, Lock.FEED)
    tx.look_at_the_clock()  # who waited for the lock comes after whoever had it, in time too
    entry.number, entry.at = (await end(tx)).number + 1, tx.at
    tx.session.add(entry)
    await tx.session.flush()
    told = {"channel": CHANNEL, "notice": f"{entry.number} {entry.track} {entry.product_id}"}
    await tx.session.execute(text("SELECT pg_notify(:channel, :notice)"), told)


async def page(tx: Transaction, product_id: str, *, after: int, track: Track | None, limit: int) -> Page:
    """Entries behind the cursor, in their order.

    One statement and so one moment: what is dropped or added while this is read can never fall between the entries and
    the ends.
    """
    known, last, here = aliased(FeedEntry), aliased(FeedEntry), aliased(FeedEntry)
    ends = select(func.min(col(known.number)).label("first"), func.max(col(known.number)).label("head")).subquery()
    head_at = select(col(last.at)).order_by(col(last.number).desc()).limit(1).scalar_subquery()
    cursor_at = select(col(here.at)).where(col(here.number) == after).scalar_subquery()
    is_wanted = (col(FeedEntry.product_id) == product_id) & (col(FeedEntry.number) > after)
    if track is not None:
        is_wanted &= col(FeedEntry.track) == track
    statement = (
        select(ends.c.first, ends.c.head, head_at.label("head_at"), cursor_at.label("cursor_at"), FeedEntry)
        .select_from(ends)
        .outerjoin(FeedEntry, is_wanted)
        .order_by(col(FeedEntry.number))
        .limit(limit)
    )
    rows = (await tx.session.execute(statement)).all()
    found = rows[0]
    return Page(
        entries=[_entry(row.FeedEntry) for row in rows if row.FeedEntry is not None],
        first=found.first or 0,
        head=Place(found.head, mark_of(found.head_at)) if found.head else START,
        cursor_mark=mark_of(found.cursor_at) if found.cursor_at else None,
        limit=limit,
    )


async def end(tx: Transaction) -> Place:
    """The feed's last entry. Reads nothing but the end of one index and what it points at."""
    statement = select(col(FeedEntry.number), col(FeedEntry.at)).order_by(col(FeedEntry.number).desc()).limit(1)
    found = (await tx.session.execute(statement)).one_or_none()
    return START if found is None else Place(found.number, mark_of(found.at))


async def newest(tx: Transaction, after: int) -> Sequence[tuple[str, Track, int]]:
    """For each product and track with entries behind `after`, the last one's number."""
    number = func.max(col(FeedEntry.number))
    statement = select(col(FeedEntry.product_id), col(FeedEntry.track), number).where(col(FeedEntry.number) > after)
    rows = await tx.session.execute(statement.group_by(col(FeedEntry.product_id), col(FeedEntry.track)))
    return [(product, track, number) for product, track, number in rows]


async def open_changes(tx: Transaction, product_id: str, track: Track | None) -> Sequence[Change]:
    """What was approved and no release has answered yet, oldest first."""
    statement = select(Change).where(col(Change.product_id) == product_id, col(Change.state).in_(OPEN))
    if track is not None:
        statement = statement.where(col(Change.track) == track)
    return (await tx.session.scalars(statement.order_by(col(Change.created_at), col(Change.id)))).all()


async def drop_older(tx: Transaction, before: datetime) -> int:
    """Drop the entries before the first that is younger, never the last one; how many that were.

    The application may not delete from the feed itself: a function of the database's owner does it, and refuses what
    is younger than a day.
    """
    return await tx.session.scalar(text("SELECT drop_feed_entries(:before)"), {"before": before}) or 0


def _entry(row: FeedEntry) -> Entry:
    about = "change" if row.extra_id is None else "extra"
    return Entry(row.number, row.action, row.track, row.at, about, row.document)
