"""Which rules children share, and where children come from that do."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from sigreq.scanning.forking import ForkingError, ForkServer
from sigreq.scanning.process import Child, ChildDiedError, CpuLimitError, Terms

# Scans with the same rules after which they are worth loading once more, for all.
OFTEN = 20
_REMEMBERED = 16
_MOST_FAILURES = 3


class Preloading:
    """Counts what children are asked to scan with, and has children forked that share what is used often.

    It is only quicker so: where such a child cannot be had, one that loads rules for itself does as well.
    """

    def __init__(self, folder: Path, terms: Terms, start_seconds: float) -> None:
        self._folder = folder
        self._terms = terms
        self._start_seconds = start_seconds
        self._uses: dict[str, int] = {}
        self._failures = Counter[str]()
        self._server: ForkServer | None = None
        self._loaded = frozenset[str]()
        self._loading: asyncio.Task[None] | None = None
        self._is_closed = False

    def note(self, rules: str, scans: int) -> None:
        """Rules, by their file, are about to be used. What is used often begins to be loaded; nobody waits for it."""
        self._uses[rules] = self._uses.pop(rules, 0) + scans
        if len(self._uses) > _REMEMBERED:
            del self._uses[next(iter(self._uses))]
        is_wanted = self._uses[rules] >= OFTEN and self._failures[rules] < _MOST_FAILURES
        if is_wanted and rules not in self._loaded and self._loading is None and not self._is_closed:
            self._loading = asyncio.create_task(self._load(rules))

    def is_better(self, child: Child, used: Collection[str]) -> bool:
        """Whether a child that shares more of these rules can be had at once."""
        return self._loading is None and not self._loaded.isdisjoint(set(used) - child.shares)

    async def child(self, folder: Path) -> tuple[Child, bytes] | None:
        """One that shares all that is loaded, and its hello; None when there is nothing, or no such child."""
        if self._server is None or self._loading is not None:
            return None
        try:
            return await self._forked(self._server, folder)
        except (ForkingError, ChildDiedError, CpuLimitError, TimeoutError, OSError):
            self._failures.update(self._loaded)
            await self._end()
            return None

    async def _forked(self, server: ForkServer, folder: Path) -> tuple[Child, bytes]:
        shares = self._loaded
        process = await server.child(folder)
        child = Child(process, process.stdin, process.stdout, shares)
        try:
            async with asyncio.timeout(self._start_seconds):
                return child, await child.line()
        except BaseException:
            await child.end()
            raise

    async def _load(self, rules: str) -> None:
        try:
            if self._server is None:
                self._server = await ForkServer.start(self._folder, self._terms)
            before, self._loaded = self._loaded, await self._server.load(rules)
            for each in before - self._loaded:  # it has to earn its place again
                self._uses.pop(each, None)
            if rules not in self._loaded:
                self._failures[rules] = _MOST_FAILURES
        except (ForkingError, OSError):
            self._failures[rules] += 1
            await self._end()
        finally:
            self._loading = None

    async def _end(self) -> None:
        server, self._server, self._loaded = self._server, None, frozenset()
        if server is not None:
            await server.end()

    async def close(self) -> None:
        """End what forks; the children die with it."""
        self._is_closed = True
        if self._loading is not None:
            self._loading.cancel()
            with suppress(asyncio.CancelledError):
                await self._loading
        await self._end()
