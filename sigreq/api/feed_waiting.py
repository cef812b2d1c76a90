"""Where long polls wait, without a connection to the database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.feed import Page
from sigreq.domain.people import Actor
from sigreq.domain.submission import Track
from sigreq.ending import end
from sigreq.listening import Ear
from sigreq.settings import Feed
from sigreq.store import feed, people
from sigreq.transaction import Database

log = structlog.get_logger()


@dataclass(frozen=True)
class Wish:
    """What a reader waits for: an entry of this product, on this track or on any, behind `seen`."""

    product: str
    track: Track | None
    seen: int

    def is_met_by(self, number: int, product: str, track: str) -> bool:
        """Whether that entry is one of those."""
        return number > self.seen and product == self.product and self.track in {None, track}


class WaitingRoom:
    """Wakes readers when an entry is there that they want. It is enough to wake them: they look for themselves."""

    def __init__(self, database: Database, settings: Feed) -> None:
        self._database = database
        self._settings = settings
        self.ear = Ear(feed.CHANNEL, self._hear, self._forget)
        self._newest: dict[tuple[str, str], int] = {}
        self._looked_upto = 0
        self._heard = 0
        self._waiting: dict[asyncio.Future[None], Wish] = {}
        self._reads: dict[Hashable, asyncio.Task[Page | None]] = {}
        self._keys: dict[str, asyncio.Future[Actor]] = {}
        self.is_closing = False

    @property
    def is_full(self) -> bool:
        """Whether nobody more may wait."""
        return len(self._waiting) >= self._settings.most_waiting

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["WaitingRoom"]:
        """Look for the block."""
        task = asyncio.create_task(self._keep_looking())
        try:
            yield self
        finally:
            self.close()
            await end(task)

    def close(self) -> None:
        """End every wait at once, and let nobody wait any more."""
        self.is_closing = True
        for future in self._waiting:
            _wake(future)

    async def wait(self, wish: Wish, seconds: float, is_gone: Awaitable[Any]) -> None:
        """Return when the wish can be met, the time is over, the reader has gone or the room closes."""
        if self.is_closing or any(wish.is_met_by(n, *place) for place, n in self._newest.items()):
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = wish
        leaving = asyncio.ensure_future(is_gone)
        try:
            await asyncio.wait({future, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            del self._waiting[future]

    async def read_together(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, Page | None]]) -> Page | None:
        """The page that `read` gives; those who ask for the same at the same time share one reading.

        It may have begun before it was asked for, but never before the last entry that was heard of.
        """
        key = (key, self._heard)
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(read())
            task.add_done_callback(lambda _: self._reads.pop(key, None))
            task.add_done_callback(_look_at_failure)
        return await asyncio.shield(task)

    async def authenticate(self, key: str) -> Actor:
        """Who holds this key now; all who were woken together are looked up together. Raises KeyUnknown, KeyRevoked."""
        if not self._keys:
            self._looking_up = asyncio.create_task(self._look_up())
        if key not in self._keys:
            self._keys[key] = asyncio.get_running_loop().create_future()
            self._keys[key].add_done_callback(_look_at_failure)
        asked = self._keys[key]
        return await asyncio.shield(asked)

    async def _look_up(self) -> None:
        await asyncio.sleep(0)  # for the others who were woken
        keys, self._keys = self._keys, {}
        found: Mapping[str, Actor | BaseException]
        try:
            async with self._database.transaction() as tx:
                found = await people.authenticate_all(tx, keys)
        except Exception as error:  # noqa: BLE001 - each of those who wait raises it
            found = dict.fromkeys(keys, error)
        for key, waiting in keys.items():
            answer = found[key]
            if waiting.done():
                continue
            if isinstance(answer, BaseException):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

    def _hear(self, notice: str) -> None:
        number, track, product = notice.split(" ", 2)
        self._tell(int(number), product, track)

    def _tell(self, number: int, product: str, track: str) -> None:
        place = (product, track)
        self._heard += 1
        self._newest[place] = max(number, self._newest.get(place, 0))
        for future, wish in self._waiting.items():
            if wish.is_met_by(number, *place):
                _wake(future)

    def _forget(self) -> None:
        """A PostgreSQL that went away may be another one now, with another end of the feed: look through it anew."""
        self._newest.clear()
        self._looked_upto = 0

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._settings.look.total_seconds())
            try:
                if self._waiting:
                    await self._look()
            except ServiceUnavailable as outage:
                log.warning("feed.waits", reason=outage.message)
            except Exception:
                log.exception("feed.look_failed")

    async def _look(self) -> None:
        """Find what no notice told. Numbers become visible in their order, so all up to the highest was seen."""
        async with self._database.transaction() as tx:
            found = await feed.newest(tx, self._looked_upto)
        for product, track, number in found:
            self._tell(number, product, track)
            self._looked_upto = max(self._looked_upto, number)


def _look_at_failure(done: asyncio.Future[Any]) -> None:
    """Those who asked raise it themselves. When all of them have gone, nobody has to hear of it."""
    if not done.cancelled():
        done.exception()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
