"""Runs programs of somebody else's on untrusted files: locked in, for a bounded time, each in a group of its own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

# `-I`: as for children that examine samples.
COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "sigreq.scanning.confined")
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
# Fifty names for each of two hundred files, four times over.
MOST_SAID = 16 << 20
_REAP_SECONDS = 5


@dataclass(frozen=True)
class Terms:
    """What a program may do: read these folders, write below one, use so many bytes and seconds of the processor.

    `sockets` lets it make sockets of this machine; never those of a network. `niceness` is added to ours.
    """

    readable: tuple[str, ...]
    writable: str
    memory: int
    file_bytes: int
    open_files: int
    seconds: int
    niceness: int
    sockets: bool


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said. `code` is negative for a signal, None when we ended it for its time."""

    code: int | None
    output: str
    errors: str

    @property
    def signal(self) -> str | None:
        """The name of the signal it died of."""
        if self.code is None or self.code >= 0:
            return None
        return signal.Signals(-self.code).name


@asynccontextmanager
async def started(
    terms: Terms, program: Path, arguments: Sequence[str], folder: Path, output: int = asyncio.subprocess.PIPE
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program at work in `folder`; with the context it ends, and so does whatever it started. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        json.dumps(asdict(terms)),
        str(program),
        *arguments,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # What it started is in its group still, also when it has ended itself.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), _REAP_SECONDS)


async def run(terms: Terms, program: Path, arguments: Sequence[str], folder: Path, seconds: float) -> Ended:
    """Run it to its end, or for so long. Raises OSError. Of what it says at most MOST_SAID bytes are kept."""
    said: list[bytes] = [b"", b""]
    async with started(terms, program, arguments, folder) as process:
        assert process.stdout is not None  # noqa: S101 - both are pipes
        assert process.stderr is not None  # noqa: S101
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                group.create_task(_keep(process.stdout, said, 0))
                group.create_task(_keep(process.stderr, said, 1))
                code: int | None = await process.wait()
        except TimeoutError:
            code = None
    output, errors = (each.decode(errors="replace") for each in said)
    return Ended(code, output, errors)


async def _keep(stream: asyncio.StreamReader, said: list[bytes], at: int) -> None:
    """Read to the end, so that nobody waits for us, and keep the beginning."""
    while part := await stream.read(1 << 16):
        said[at] += part[: MOST_SAID - len(said[at])]
