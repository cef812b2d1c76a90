"""Places where dangerous work is done: a private folder each, and a child process that may be killed at any moment."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sigreq.domain.faults import Fault
from sigreq.scanning.preloading import Preloading
from sigreq.scanning.process import Child, ChildDiedError, CpuLimitError, Request, Terms
from sigreq.scanning.turns import Turns

# What earlier samples did to a child is forgotten after so many asks.
ASKED_AT_MOST = 3_000
# Between two samples a child that still holds more than this is replaced.
RESIDENT_AT_MOST = 512 << 20

_START_SECONDS = 30
# So few files are gone before a thread could begin.
_REMOVED_AT_ONCE = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Content:
    """What follows a request, and as how many asks both together count."""

    whole: bytes
    counts: int


NOTHING = Content(b"", 1)


class Place:
    """A private folder, and the child that works in it."""

    def __init__(self, pool: "Pool", folder: Path) -> None:
        self._pool = pool
        self._child: Child | None = None
        self._used: set[str] = set()
        self.folder = folder
        self.is_wiped = False

    def will_use(self, rules: str, scans: int = 1) -> None:
        """Say which compiled rules are asked about: a child comes to share those that often are."""
        self._used.add(rules)
        self._pool.preloading.note(rules, scans)

    async def send_ahead(self, requests: Iterable[tuple[Request, float]]) -> None:
        """Let the child begin with what it will be asked next, in this order, without waiting for us in between.

        Each is a request and its seconds, as for `ask`. A child that is asked something else first is replaced.
        """
        try:
            child = await self._ready()
            await child.send(_timed(*each) for each in requests)
        except (ChildDiedError, CpuLimitError):
            await self.retire()

    async def ask(self, request: Request, seconds: float, read: Callable[[bytes], T]) -> T:
        """What `read` makes of the reply; a ValueError of it means nonsense.

        When a child dies of it a fresh one is asked once more, because an earlier sample may have harmed the first.
        Raises TimeoutError when an attempt takes longer than `seconds`, CpuLimitError, and ChildDiedError when two
        children died of it or the pool is closed.
        """
        try:
            return await self._ask(request, seconds, read)
        except ChildDiedError:
            return await self._ask(request, seconds, read)

    async def ask_once(self, request: Request, content: Content, seconds: float, read: Callable[[bytes], T]) -> T:
        """The same, with content behind the request, and given up when the first child dies of it."""
        return await self._ask(request, seconds, read, content)

    async def ask_for_files(self, request: Request, seconds: float, read: Callable[[bytes], T], made: str) -> T:
        """The same for what makes files, whose names begin with `made`: those of a child that failed are removed."""
        try:
            return await self._ask(request, seconds, read)
        except ChildDiedError:
            await self._remove_made(made)
            return await self._ask(request, seconds, read)
        except BaseException:
            await self._remove_made(made)
            raise

    async def _remove_made(self, made: str) -> None:
        await self.remove(name for name in self.names() if name.startswith(made))

    async def _ask(self, request: Request, seconds: float, read: Callable[[bytes], T], content: Content = NOTHING) -> T:
        try:
            child = await self._ready()
            async with asyncio.timeout(seconds):
                reply = await child.ask(_timed(request, seconds), content.whole, content.counts)
            return _understood(read, reply)
        except BaseException:
            await self.retire()
            raise

    def names(self) -> set[str]:
        """What lies in the folder."""
        return set(os.listdir(self.folder))  # noqa: PTH208 - asked so often that objects for paths show

    async def start(self) -> None:
        """Have a child that has said hello. Raises ChildDiedError."""
        await self._ready()

    async def _ready(self) -> Child:
        if self._child is not None and self._child.asked >= ASKED_AT_MOST:
            await self.retire()
        if self._child is None:
            self._child = await self._pool.started(self)
        return self._child

    async def retire(self) -> None:
        """End the child, if there is one; the next ask has a fresh one."""
        child, self._child = self._child, None
        if child is not None:
            await self._pool.ended(child)

    async def clear(self) -> None:
        """Wipe the folder, and end a child that is not fit for another sample."""
        if self._child is not None and self._is_unfit(self._child):
            await self.retire()
        self._used.clear()
        await self.remove(self.names())
        self.is_wiped = True

    def _is_unfit(self, child: Child) -> bool:
        # What was sent ahead and not asked for would be taken for the answer to somebody else's question.
        return (
            child.is_behind or child.resident() > RESIDENT_AT_MOST or self._pool.preloading.is_better(child, self._used)
        )

    async def remove(self, names: Iterable[str]) -> None:
        """Remove these from the folder, whatever they are; links are not followed."""
        listed = list(names)
        if len(listed) <= _REMOVED_AT_ONCE:
            folders = _remove_files(self.folder, listed)
        else:
            folders = await asyncio.to_thread(_remove_files, self.folder, listed)
        if folders:
            # No honest child makes a folder. Dead, it cannot exchange one for a link while we are at it.
            await self.retire()
            await asyncio.to_thread(_remove_folders, folders)


class Pool:
    """At most `places` children at work at once."""

    def __init__(self, folder: Path, places: int, terms: Terms) -> None:
        self._terms = terms
        self.preloading = Preloading(folder, terms, _START_SECONDS)
        self._turns = Turns(places)
        self._free = [Place(self, folder / f"place-{number}") for number in range(places)]
        self._living: set[Child] = set()
        self._is_closed = False
        self.hello: bytes | None = None
        """The first line of the child that was started last."""
        for place in self._free:
            place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @asynccontextmanager
    async def place(self, owner: Hashable = None) -> AsyncIterator[Place]:
        """A place for as long as the context lasts, with an empty folder; of those who wait, who has fewest is next."""
        async with self._turns.turn(owner):
            place = self._free.pop()
            try:
                if not place.is_wiped:  # somebody broke off while it was
                    await place.clear()
                place.is_wiped = False
                try:
                    yield place
                finally:
                    await place.clear()
            finally:
                self._free.append(place)

    async def close(self) -> None:
        """Kill all children; whoever still waits for an answer, or asks later, gets ChildDiedError."""
        self._is_closed = True
        for child in self._living:
            child.kill()
        # A child at work is ended by the one who asked it.
        await asyncio.gather(*(place.retire() for place in self._free))
        await self.preloading.close()

    async def started(self, place: Place) -> Child:
        """A new child for this place, which has said hello. Raises ChildDiedError, also when the pool is closed."""
        if self._is_closed:
            raise ChildDiedError
        child, self.hello = await self.preloading.child(place.folder) or await self._begun(place.folder)
        self._living.add(child)
        if self._is_closed:
            child.kill()
        return child

    async def _begun(self, folder: Path) -> tuple[Child, bytes]:
        if self._is_closed:
            raise ChildDiedError
        try:
            child = await Child.start(folder, self._terms)
        except OSError as error:
            raise ChildDiedError from error
        self._living.add(child)
        if self._is_closed:
            child.kill()
        try:
            async with asyncio.timeout(_START_SECONDS):
                return child, await child.line()
        except (TimeoutError, CpuLimitError) as error:
            await self.ended(child)
            raise ChildDiedError from error
        except BaseException:
            await self.ended(child)
            raise

    async def ended(self, child: Child) -> None:
        """Kill the child, and wait until it is gone."""
        try:
            await child.end()
        finally:
            self._living.discard(child)


async def answer_or_fault(asked: Awaitable[T]) -> T | Fault:
    """What was answered, or which limit kept it from being answered."""
    try:
        return await asked
    except TimeoutError:
        return Fault.TIMEOUT
    except CpuLimitError:
        return Fault.CPU_LIMIT
    except ChildDiedError:
        return Fault.CHILD_DIED


def _timed(request: Request, seconds: float) -> Request:
    """With the processor time that the child gets for it: as much as there is, unless the request says less."""
    return {"seconds": seconds, **request}


def _understood(read: Callable[[bytes], T], reply: bytes) -> T:
    try:
        return read(reply)
    except (ValueError, RecursionError) as error:
        raise ChildDiedError from error


def _remove_files(folder: Path, names: list[str]) -> list[Path]:
    """Remove what is no folder; the folders among them."""
    folders = []
    for path in (folder / name for name in names):
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(path.lstat().st_mode):
                folders.append(path)
            else:
                path.unlink()
    return folders


def _remove_folders(folders: list[Path]) -> None:
    for folder in folders:
        folder.chmod(0o700)
        for inner, names, _ in os.walk(folder):
            for path in (Path(inner, name) for name in names):
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(folder)
