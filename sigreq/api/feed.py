"""The feed that release tooling polls: JSON or JSON lines, with a cursor, an ETag and a long poll."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, HeaderParameter, QueryParameter
from litestar.serialization import encode_json

from sigreq.api.doorway import AnyRequest, Services, key_of
from sigreq.api.feed_waiting import Wish
from sigreq.api.submissions import MAX_PAGE
from sigreq.domain import errors
from sigreq.domain.feed import START, Entry, Page, Place, check_cursor, mark_of
from sigreq.domain.people import Actor, Permission, require
from sigreq.domain.submission import Track
from sigreq.release.snapshot import take
from sigreq.store import feed, people, releases
from sigreq.transaction import Transaction
from sigreq.trust.extras import EXTRA_TRACK, begun

JSON, LINES = "application/json", "application/x-ndjson"
SOON_SECONDS = 1
LARGEST = 2**63 - 1  # what PostgreSQL can compare a number with
NOT_MODIFIED = 304
OnTrack = Annotated[Track | None, QueryParameter(name="track")]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", description="the ETag of the same request")]
Wait = Annotated[float, QueryParameter(ge=0, description="seconds to wait for an entry when there is none")]
Mark = Annotated[str | None, QueryParameter(max_length=40, description="`next_mark` of the answer before")]


@dataclass(frozen=True)
class _Asked:
    """What part of the feed somebody asks for; those who ask for the same get the same."""

    product: str
    track: Track | None
    after: int
    mark: str | None
    limit: int


@get("/v1/feed", summary="What happened to approved changes, extras and relief, to be polled")
async def read_feed(
    product: FromQuery[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    after: FromQuery[int] = 0,
    mark: Mark = None,
    limit: FromQuery[int] = 100,
    wait: Wait = 0.0,
    on_track: OnTrack = None,
    if_none_match: IfNoneMatch = None,
) -> Response[bytes]:
    """At least once, in order: `next_cursor` and `next_mark` of an answer are `after` and `mark` of the next request.

    With `Accept: application/x-ndjson` each entry is a line of its own, and the last line is the next cursor; a body
    that has no such line was cut. With `wait` the answer may take that long, or less where the server allows less.
    `X-Poll-Interval` is how many seconds to wait before the next request.
    """
    if after < 0:
        raise errors.CursorInvalid(cursor=str(after)[:100])
    asked = _Asked(product, on_track, after, mark, max(1, min(limit, MAX_PAGE)))
    is_lines = request.accept.best_match([JSON, LINES], default=JSON) == LINES
    known = _known_head(if_none_match, is_lines=is_lines)
    page = await (_look_together if wait else _look)(request, services, asked, known)
    interval = services.settings.feed.poll_interval.total_seconds()
    if wait and not (page and page.entries) and not services.feed.is_full:
        began = asyncio.get_running_loop().time()
        seen = (known or START if page is None else page.head).number
        page = await _wait(request, services, asked, seen, wait)
        is_over = asyncio.get_running_loop().time() - began >= min(wait, SOON_SECONDS)
        interval = 0 if is_over and not services.feed.is_closing else SOON_SECONDS
    if page is not None and page.entries:
        interval = 0
    return _answer(page, known, interval, is_lines=is_lines)


async def _look(request: AnyRequest, services: Services, asked: _Asked, known: Place | None) -> Page | None:
    """What is there; None when the feed ends where it did, which costs a look at one end of one index."""
    async with services.database.transaction() as tx:
        require(await people.authenticate(tx, key_of(request)), Permission.READ_FEED)
        return await _read(tx, asked, known)


async def _look_together(request: AnyRequest, services: Services, asked: _Asked, known: Place | None) -> Page | None:
    """The same for those who wait: many come and are woken at once, and most of them ask for the same.

    What this misses, because the reading began before the request came, is there as soon as they wait.
    """

    async def read() -> Page | None:
        async with services.database.transaction() as tx:
            return await _read(tx, asked, known)

    require(await services.feed.authenticate(key_of(request)), Permission.READ_FEED)
    return await services.feed.read_together((asked, known), read)


async def _wait(request: AnyRequest, services: Services, asked: _Asked, seen: int, seconds: float) -> Page | None:
    """What is there after the wait. No connection to the database is held while it lasts."""
    seconds = min(seconds, services.settings.feed.longest_wait.total_seconds())
    await services.feed.wait(Wish(asked.product, asked.track, seen), seconds, _until_gone(request))
    return await _look_together(request, services, asked, None)  # the key may have been revoked since


async def _read(tx: Transaction, asked: _Asked, known: Place | None) -> Page | None:
    if known is not None and await feed.end(tx) == known:
        return None
    page = await feed.page(tx, asked.product, after=min(asked.after, LARGEST), track=asked.track, limit=asked.limit)
    check_cursor(asked.product, asked.after, asked.mark, page)
    if not page.entries:
        await releases.known_product(tx, asked.product)
    return page


async def _until_gone(request: AnyRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _known_head(if_none_match: str | None, *, is_lines: bool) -> Place | None:
    """The end of the feed as the reader knows it: an ETag names it, with its mark, and the form of the answer."""
    form = "-lines" if is_lines else ""
    found = re.fullmatch(rf'\s*(?:W/)?"(\d{{1,18}})\.([0-9a-f]{{1,20}}){form}"\s*', if_none_match or "")
    return Place(int(found[1]), found[2]) if found else None


def _answer(page: Page | None, known: Place | None, interval: float, *, is_lines: bool) -> Response[bytes]:
    is_same = page is None or page.head == known
    head = (known or START) if page is None else page.head
    headers = {
        "ETag": f'"{head.number}.{head.mark}{"-lines" if is_lines else ""}"',
        "Vary": "Accept",
        "Cache-Control": "private, no-cache",
        "X-Poll-Interval": f"{interval:.0f}",
    }
    if page is None or is_same:
        return Response(b"", status_code=NOT_MODIFIED, headers=headers)
    items, end = [_item(entry) for entry in page.entries], _next(page.next)
    if is_lines:
        return Response(
            b"".join(encode_json(line) + b"\n" for line in [*items, end]), media_type=LINES, headers=headers
        )
    return Response(encode_json({"items": items, **end}), media_type=JSON, headers=headers)


def _item(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "mark": mark_of(entry.at),
        "action": entry.action,
        "track": entry.track,
        "at": entry.at,
        entry.about: entry.document,
    }


def _next(place: Place) -> Mapping[str, Any]:
    return {"next_cursor": place.number, "next_mark": place.mark}


@get("/v1/feed/snapshot", summary="What is open, for readers whose cursor is too old")
async def read_snapshot(
    product: FromQuery[str],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    services: NamedDependency[Services],
    on_track: OnTrack = None,
) -> dict[str, Any]:
    """Every approved change that no release has answered yet, every extra in force, and the cursor to read on from."""
    require(actor, Permission.READ_FEED)
    found = await take(tx, services.keyring, product, on_track)
    items = [
        {"action": "approved", "state": row.state, "track": row.track, "change": told} for row, told in found.changes
    ]
    items += [
        {"action": begun(row), "state": row.state(tx.at), "track": EXTRA_TRACK, "extra": told}
        for row, told in found.extras
    ]
    return {"items": items, **_next(found.cursor)}


ROUTES = [read_feed, read_snapshot]
