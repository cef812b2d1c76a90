"""Where streams of events wait, without a connection to the database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from litestar.response import Stream

from sigreq.domain.errors import ServiceUnavailable, StreamsTooMany
from sigreq.listening import Ear
from sigreq.store.moves import CHANNEL

COMMENT_EVERY_SECONDS = 15
MOST = 5000
MOST_OF_ONE = 20
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

    def __init__(self, person_id: str, wants: Wanted) -> None:
        self.person_id = person_id
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
        # Weak, because an answer that never begins never ends either: its place is free when it is forgotten.
        self._waiting: WeakSet[Waiting] = WeakSet()
        self.is_closing = False

    def close(self) -> None:
        """End every stream at once, and begin no other: browsers and programs come back by themselves."""
        self.is_closing = True
        self._wake_all()

    def place(self, person_id: str, wants: Wanted) -> Waiting:
        """A place to wait, from before the first look: so nothing falls between the look and the wait.

        Take it before the answer begins, while there is still a status to say no with.
        Raises ServiceUnavailable when there is no room, StreamsTooMany when one person has taken enough.
        """
        if self.is_closing or len(self._waiting) >= MOST:
            raise ServiceUnavailable("the stream of events")
        if sum(each.person_id == person_id for each in self._waiting) >= MOST_OF_ONE:
            raise StreamsTooMany(limit=MOST_OF_ONE)
        waiting = Waiting(person_id, wants)
        self._waiting.add(waiting)
        return waiting

    @contextmanager
    def until_left(self, waiting: Waiting) -> Iterator[None]:
        """Give the place back at the end of the block."""
        try:
            yield
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
