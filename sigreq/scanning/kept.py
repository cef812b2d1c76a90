"""What is dear to make, made once and kept for the next who need it."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Made = TypeVar("Made")


@dataclass
class _Entry(Generic[Made]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    made: Made | None = None


class Kept(Generic[Made]):
    """Things by their keys. Whoever asks for one that is being made waits for it; of the unused the last ones stay."""

    def __init__(
        self, most: int, drop: Callable[[Made], None], is_lasting: Callable[[Made], bool] = lambda _: True
    ) -> None:
        """`drop` undoes what was made and is kept no more; what is not lasting is made anew for the next."""
        self._most = most
        self._drop = drop
        self._is_lasting = is_lasting
        self._entries: OrderedDict[str, _Entry[Made]] = OrderedDict()

    @asynccontextmanager
    async def used(self, key: str, make: Callable[[], Awaitable[Made]]) -> AsyncIterator[Made]:
        """The thing, which stays at least as long as the context lasts. Raises what `make` raises."""
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        entry.users += 1
        try:
            async with entry.lock:
                made = entry.made
                if made is None:
                    made = await make()
                    entry.made = made if self._is_lasting(made) else None
            yield made
        finally:
            entry.users -= 1
            self._forget_old()

    def _forget_old(self) -> None:
        unused = [key for key, entry in self._entries.items() if not entry.users]
        for key in unused[: max(0, len(self._entries) - self._most)]:
            made = self._entries.pop(key).made
            if made is not None:
                self._drop(made)
