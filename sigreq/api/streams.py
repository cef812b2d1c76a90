"""Where streams of events wait, without a connection to the database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from litestar.response import Stream

from sigreq.domain.errors import ServiceUnavailable
from sigreq.listening import Ear
from sigreq.store.moves import CHANNEL

COMMENT_EVERY_SECONDS = 15
MOST = 5000
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Notice:
    """A submission has moved: from where, to where."""

    submission_id: str
    was: str
    state: str


Wanted = Callable[[Notice], bool]


class Waiting:
    """One stream's place: it is woken by what it wants, and remembers that between two waits."""

    def __init__(self, wants: Wanted) -> None:
        self.wants = wants
        self._is_woken = asyncio.Event()

    def wake(self) -> None:
        """Something may be there."""
        self._is_woken.set()

    async def wait(self) -> bool:
        """Whether it was woken, within the time after which a comment is due."""
        try:
            async with asyncio.timeout(COMMENT_EVERY_SECONDS):
                await self._is_woken.wait()
        except TimeoutError:
            return False
        self._is_woken.clear()
        return True


class Streams:
    """Wakes streams when a transaction that moved something has committed; they look for themselves."""

    def __init__(self) -> None:
        self.ear = Ear(CHANNEL, self._hear, self._wake_all)
        self._waiting: set[Waiting] = set()
        self.is_closing = False

    def close(self) -> None:
        """End every stream at once, and begin no other: browsers and programs come back by themselves."""
        self.is_closing = True
        self._wake_all()

    @asynccontextmanager
    async def place(self, wants: Wanted) -> AsyncIterator[Waiting]:
        """A place to wait, from before the first look: so nothing falls between the look and the wait.

        Raises ServiceUnavailable when there is no room.
        """
        if self.is_closing or len(self._waiting) >= MOST:
            raise ServiceUnavailable("the stream of events")
        waiting = Waiting(wants)
        self._waiting.add(waiting)
        try:
            yield waiting
        finally:
            self._waiting.discard(waiting)

    def _hear(self, text: str) -> None:
        notice = Notice(*text.split(" ", 2))
        for each in self._waiting:
            if each.wants(notice):
                each.wake()

    def _wake_all(self) -> None:
        """Between two connections notices go by unheard."""
        for each in self._waiting:
            each.wake()


def message(name: str, data: Mapping[str, Any], number: int | None = None) -> bytes:
    """One event in the format of the HTML standard."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, default=str)}\n\n".encode()


def comment(text: str) -> bytes:
    """What readers skip, and what tells everybody in between that the connection lives."""
    return f": {text}\n\n".encode()


def stream(events: AsyncIterator[bytes]) -> Stream:
    """An answer that goes on."""
    return Stream(events, media_type="text/event-stream", headers=HEADERS)
