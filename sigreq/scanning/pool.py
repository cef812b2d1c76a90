"""A few child processes that do dangerous work and may be killed at any moment."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, cast

# What a scan leaves behind in a child's memory is forgotten after so many.
ASKED_AT_MOST = 100
# A killed child is gone at once; only a descendant that holds its pipe open could make us wait.
_REAP_SECONDS = 5

_IMPORT_ROOT = Path(__file__).parents[2]


class ChildDiedError(Exception):
    """A child ended, or answered nonsense, before it had answered."""


class _Child:
    """One child process; its environment is empty, so no secret of ours is in reach of a sample."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._requests = cast("asyncio.StreamWriter", process.stdin)
        self._replies = cast("asyncio.StreamReader", process.stdout)
        self.asked = 0

    @classmethod
    async def start(cls) -> Self:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "sigreq.scanning.child",
                cwd=_IMPORT_ROOT,
                env={},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            ),
        )

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            await self._requests.drain()
            return cast("dict[str, Any]", json.loads(await self._replies.readline()))
        except (OSError, ValueError) as error:
            raise ChildDiedError from error

    def kill(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        self.kill()
        with suppress(TimeoutError):
            # Reads what is left in the pipe: a full one would keep the process from being reaped.
            await asyncio.wait_for(self._process.communicate(), _REAP_SECONDS)


class Pool:
    """At most `children` processes at work at once, each answering within `timeout` or killed."""

    def __init__(self, children: int, timeout: timedelta) -> None:
        self._places = asyncio.Semaphore(children)
        self._timeout = timeout.total_seconds()
        self._living: set[_Child] = set()
        self._idle: list[_Child] = []
        self._is_closed = False

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Raise TimeoutError when the time is up, ChildDiedError when two children died of it or the pool is closed.

        The second child is a fresh one, because an earlier sample may have harmed the first.
        """
        async with self._places:
            try:
                return await self._ask(self._idle.pop() if self._idle else await self._started(), request)
            except ChildDiedError:
                return await self._ask(await self._started(), request)

    async def close(self) -> None:
        """Kill all children; whoever still waits for an answer, or asks later, gets ChildDiedError."""
        self._is_closed = True
        for child in self._living:
            child.kill()
        # A child at work is ended by the one who asked it.
        await asyncio.gather(*(self._end(child) for child in self._idle))
        self._idle.clear()

    async def _started(self) -> _Child:
        if self._is_closed:
            raise ChildDiedError
        child = await _Child.start()
        self._living.add(child)
        if self._is_closed:
            child.kill()
        return child

    async def _ask(self, child: _Child, request: dict[str, Any]) -> dict[str, Any]:
        is_fit = False
        try:
            async with asyncio.timeout(self._timeout):
                reply = await child.ask(request)
            is_fit = child.asked < ASKED_AT_MOST and not self._is_closed
        finally:
            if is_fit:
                self._idle.append(child)
            else:
                await self._end(child)
        return reply

    async def _end(self, child: _Child) -> None:
        await child.end()
        self._living.discard(child)
