"""Who is next where only so many can be at work at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class _Waiting:
    owner: Hashable
    called: asyncio.Future[None]


class Turns:
    """So many turns at once. One that ends goes to the owner with the fewest, of equals to who had none for longest.

    So a single owner has all of them, and gives up all but a fair share one by one as soon as others come.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._held = Counter[Hashable]()
        self._given = 0
        # When each was last given a turn, as long as it has one or waits for one.
        self._last: dict[Hashable, int] = {}
        self._waiting: list[_Waiting] = []

    @asynccontextmanager
    async def turn(self, owner: Hashable) -> AsyncIterator[None]:
        """A turn for as long as the context lasts; waits until it is the owner's."""
        if self._free:
            self._give(owner)
        else:
            await self._called(owner)
        try:
            yield
        finally:
            self._take_back(owner)

    async def _called(self, owner: Hashable) -> None:
        waiting = _Waiting(owner, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting.called
        except asyncio.CancelledError:
            if not waiting.called.cancelled():  # called at the same moment: the next one must not wait for nothing
                self._take_back(owner)
            raise
        finally:
            self._waiting.remove(waiting)
            self._forget(owner)

    def _give(self, owner: Hashable) -> None:
        self._free -= 1
        self._held[owner] += 1
        self._given += 1
        self._last[owner] = self._given

    def _take_back(self, owner: Hashable) -> None:
        self._free += 1
        self._held[owner] -= 1
        waiting = [each for each in self._waiting if not each.called.done()]
        self._forget(owner)
        if waiting:
            # The first of equals, as `min` has it, has waited longest.
            chosen = min(waiting, key=lambda each: (self._held[each.owner], self._last.get(each.owner, 0)))
            self._give(chosen.owner)
            chosen.called.set_result(None)

    def _forget(self, owner: Hashable) -> None:
        if not self._held[owner]:
            del self._held[owner]
            if all(each.owner != owner for each in self._waiting):
                self._last.pop(owner, None)
