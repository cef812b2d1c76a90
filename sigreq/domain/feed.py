"""Where a reader of the feed stands, and whether what comes behind that can still be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sigreq.domain.release_errors import CursorAhead, CursorForeign, CursorTooOld
from sigreq.domain.submission import Track

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """An entry's number, and the mark by which this very entry is known again. Number 0 stands before the first."""

    number: int
    mark: str


START = Place(0, "")


@dataclass(frozen=True)
class Entry:
    """One thing that happened: what is told of it, and where it stands. It is about a change or about an extra."""

    number: int
    action: str
    track: Track
    at: datetime
    about: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Entries of one product behind a cursor, and the ends of the whole feed, all seen at the same moment.

    `first` is the oldest number that is kept, 0 where there is none; `cursor_mark` is that of the entry at the cursor,
    None where it is not kept. `limit` is how many entries were asked for.
    """

    entries: Sequence[Entry]
    first: int
    head: Place
    cursor_mark: str | None
    limit: int

    @property
    def next(self) -> Place:
        """Where to read on: behind the last entry, and behind those of other products once there are no more."""
        if len(self.entries) < self.limit:
            return self.head
        last = self.entries[-1]
        return Place(last.number, mark_of(last.at))


def mark_of(at: datetime) -> str:
    """The mark of the entry that was written at this time, to the microsecond.

    A feed that was restored from a backup uses numbers again. Its new entries have other times.
    """
    return f"{(at - _EPOCH) // timedelta(microseconds=1):x}"


def check_cursor(product: str, after: int, mark: str | None, page: Page) -> None:
    """Raises CursorAhead, CursorTooOld, CursorForeign: what comes behind the cursor is not the rest of the story."""
    if after > page.head.number:
        raise CursorAhead(cursor=after, head=page.head.number)
    if after < page.first - 1:
        raise CursorTooOld(cursor=after, oldest=page.first - 1, product=product)
    if mark is not None and page.cursor_mark not in {None, mark}:
        raise CursorForeign(cursor=after)
