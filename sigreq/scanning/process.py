"""One examining child process, from its start to its end."""

import asyncio
import fcntl
import json
import os
import resource
import signal
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self, cast

# A thousand members with long names are 0.5 MiB.
REPLY_BYTES = 4 << 20
# `-I`: neither the folder it runs in nor a user's own packages are in the import path.
COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "sigreq.scanning.child")
# Nothing but how memory is had. Large pages make scanning with many rules quicker by a tenth and more, and rules lie in
# them whole only when they are no mappings of their own. What YARA takes for each scan, 48 bytes a string of the rules,
# is kept for the next one: to get it anew takes as long as to scan 10 KiB.
_TUNED = {"hugetlb": 1, "mmap_threshold": 32 << 20, "trim_threshold": 32 << 20}
ENVIRONMENT = {"GLIBC_TUNABLES": ":".join(f"glibc.malloc.{name}={value}" for name, value in _TUNED.items())}
# The content of many small files goes through it at once.
_PIPE_BYTES = 512 << 10
# A killed child is gone at once; only a descendant that holds its pipe open could make us wait.
_REAP_SECONDS = 5
# Between the end of a child's output and its own.
_LAST_BREATH_SECONDS = 1

Request = dict[str, Any]


class ChildDiedError(Exception):
    """A child ended, or answered nonsense, before it had answered; or the pool is closed."""


class CpuLimitError(Exception):
    """A child used up the processor time it had for an answer."""


@dataclass(frozen=True)
class Terms:
    """What every child of a pool is started with: what it may read, how large a file it may write, how nice it is."""

    readable: str
    file_bytes: int
    niceness: int


class Process(Protocol):
    """What is wanted of a child's process: as `asyncio.subprocess.Process` has it."""

    pid: int

    @property
    def returncode(self) -> int | None:
        """How it ended, if it has."""

    async def wait(self) -> int:
        """How it ended, when it has."""

    async def communicate(self) -> Any:
        """Wait for that without leaving it anything to wait for."""

    def kill(self) -> None:
        """Kill it."""


class Child:
    """One child process; its environment holds nothing of ours, so no secret of ours is in reach of a sample."""

    def __init__(
        self,
        process: Process,
        requests: asyncio.StreamWriter,
        replies: asyncio.StreamReader,
        shares: frozenset[str] = frozenset(),
    ) -> None:
        """`shares` names the compiled rules that it has in common with others."""
        self.shares = shares
        self._process = process
        self._requests = requests
        self._replies = replies
        self._sent: deque[Request] = deque()
        self.asked = 0

    @classmethod
    async def start(cls, folder: Path, terms: Terms) -> Self:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            json.dumps(asdict(terms)),
            cwd=folder,
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=REPLY_BYTES,
            start_new_session=True,
        )
        requests = cast("asyncio.StreamWriter", process.stdin)
        with suppress(OSError):  # who has many pipes may have no more large ones
            fcntl.fcntl(requests.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return cls(process, requests, cast("asyncio.StreamReader", process.stdout))

    async def ask(self, request: Request, content: bytes = b"", counts: int = 1) -> bytes:
        """The line that answers it. Raises ChildDiedError, also when another answer would come first.

        `content` follows the request, which says how much it is. It `counts` as so many asks.
        """
        self.asked += counts
        if not self._sent:
            await self.send([request], content)
        if self._sent.popleft() != request:
            raise ChildDiedError
        return await self.line()

    @property
    def is_behind(self) -> bool:
        """Whether it was sent what nobody has taken the answer to."""
        return bool(self._sent)

    async def send(self, requests: Iterable[Request], content: bytes = b"") -> None:
        """Send what will be asked next, in this order. Raises ChildDiedError and CpuLimitError."""
        sent = list(requests)
        self._sent.extend(sent)
        try:
            self._requests.writelines([*(json.dumps(request).encode() + b"\n" for request in sent), content])
            await self._requests.drain()
        except OSError as error:
            raise await self._death() from error

    async def line(self) -> bytes:
        """The next line it says. Raises ChildDiedError and CpuLimitError."""
        try:
            line = await self._replies.readline()
        except (OSError, ValueError) as error:  # a line over the limit is a ValueError
            raise ChildDiedError from error
        if not line.endswith(b"\n"):
            raise await self._death()
        return line

    async def _death(self) -> Exception:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _LAST_BREATH_SECONDS)
        return CpuLimitError() if self._process.returncode == -signal.SIGXCPU else ChildDiedError()

    def resident(self) -> int:
        """Bytes of memory it holds; none when it is gone."""
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * resource.getpagesize()

    def kill(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with suppress(ProcessLookupError):  # one that has no group of its own yet
                self._process.kill()

    async def end(self) -> None:
        self.kill()
        with suppress(TimeoutError):
            # Reads what is left in the pipe: a full one would keep the process from being reaped.
            await asyncio.wait_for(self._process.communicate(), _REAP_SECONDS)
