"""A database with a clock that only the test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sigreq.transaction import Database, Hint

T = TypeVar("T")
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Bench:
    """What a test works at: a database, its clock, and the hints that left after commits."""

    def __init__(self, url: str) -> None:
        self.now = START
        self.sent: list[Hint] = []
        self.database = Database(url, pool_size=20, send=self._send, clock=lambda: self.now)

    async def _send(self, hints: Sequence[Hint]) -> None:
        self.sent += hints

    def later(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)


def at(url: str, work: Callable[[Bench], Awaitable[T]]) -> T:
    """Do the work at a bench of its own."""

    async def run() -> T:
        bench = Bench(url)
        try:
            return await work(bench)
        finally:
            await bench.database.close()

    return asyncio.run(run())
