"""Children that share the rules they scan with: forked from one process that has loaded them, and never sees a sample.

What two processes loaded each for itself has to fit into the processor's cache twice, which makes scanning with many
rules a third slower.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from sigreq.scanning.process import ENVIRONMENT, REPLY_BYTES, Terms

COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "sigreq.scanning.fork_server")
_ANSWER_BYTES = 16 << 10
_READY_SECONDS = 30


class ForkingError(Exception):
    """The process that forks children is gone, or does not answer."""


class Forked:
    """A forked child, as far as `asyncio.subprocess.Process` is what its parent's code wants of one."""

    def __init__(
        self, server: "ForkServer", pid: int, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader
    ) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self._server = server
        # Nobody else gets the number before we have asked how it ended.
        self._handle = os.pidfd_open(pid)
        self._end = asyncio.create_task(self._ended())

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        return await asyncio.shield(self._end)

    async def communicate(self) -> None:
        """Take no more of what it says; wait until it has ended."""
        self.stdin.close()
        await self.wait()

    def kill(self) -> None:
        """Kill it. Raises ProcessLookupError when it is gone."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    async def _ended(self) -> int:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._handle, readable.set)
        try:
            await readable.wait()
            loop.remove_reader(self._handle)
            code = await self._server.reaped(self.pid)
        except ForkingError:  # which took the child with it
            code = -signal.SIGKILL
        finally:
            loop.remove_reader(self._handle)
            os.close(self._handle)
        self.returncode = code
        return code


class ForkServer:
    """The process that forks children, and dies with us."""

    def __init__(self, process: asyncio.subprocess.Process, asks: socket.socket) -> None:
        self._process = process
        self._asks = asks
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, folder: Path, terms: Terms) -> Self:
        """One whose children work in folders below this one. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003 - the socket's own way to say it
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *COMMAND,
                    json.dumps(asdict(terms)),
                    str(theirs.fileno()),
                    cwd=folder,
                    env=ENVIRONMENT,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            raise
        return cls(process, ours)

    async def load(self, rules: str) -> frozenset[str]:
        """Have compiled rules at hand, by their file; all that children then share. Raises ForkingError."""
        return frozenset(map(str, (await self._ask({"load": rules}))["loaded"]))

    async def child(self, folder: Path) -> Forked:
        """A child that works in this folder. Raises ForkingError and OSError."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                said = await self._ask({"folder": str(folder)}, [theirs.fileno()])
            stdout, stdin = await asyncio.open_unix_connection(sock=ours, limit=REPLY_BYTES)
        except BaseException:
            ours.close()
            raise
        return Forked(self, int(said["pid"]), stdin, stdout)

    async def reaped(self, pid: int) -> int:
        """The exit code of a child that has ended. Raises ForkingError."""
        return int((await self._ask({"reap": pid}))["status"])

    async def end(self) -> None:
        """Kill it, and with it the children."""
        self._asks.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _ask(self, request: dict[str, Any], passed: Sequence[int] = ()) -> dict[str, Any]:
        async with self._turn:
            try:
                socket.send_fds(self._asks, [json.dumps(request).encode()], passed)
                async with asyncio.timeout(_READY_SECONDS):
                    answer = await asyncio.get_running_loop().sock_recv(self._asks, _ANSWER_BYTES)
                said: dict[str, Any] = json.loads(answer)
            except (OSError, TimeoutError, ValueError) as error:
                self._break_off()
                raise ForkingError from error
            except BaseException:  # whoever asks next must not get this answer
                self._break_off()
                raise
        return said

    def _break_off(self) -> None:
        self._asks.close()
        with suppress(ProcessLookupError):
            self._process.kill()
