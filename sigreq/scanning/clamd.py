"""clamd: that it loads a bundle, and detects with it, is not said by clamscan.

A signature that clamscan took has crashed clamd before.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path

from sigreq.domain.faults import Fault
from sigreq.scanning import clamav_lines
from sigreq.scanning.clamav_grounds import LOAD_SECONDS, Grounds, write
from sigreq.scanning.clamav_programs import Programs
from sigreq.scanning.programs import Ended, run, started

# Both programs are started in the scratch folder, because a path to a socket may have 107 characters only.
_SOCKET = "clamd.sock"
_LOG = "clamd.log"
_LOG_BYTES = 4 << 20
_LOOK_AGAIN_SECONDS = 0.02
_ASK_SECONDS = 60.0
# One that dies of what it is asked needs a moment for that.
_LAST_BREATH_SECONDS = 0.1


async def load(programs: Programs, grounds: Grounds, load_seconds: float = LOAD_SECONDS) -> str | None:
    """Why clamd does not load the bundle or detect with it; None when it does. Raises OSError."""
    configuration = grounds.probes / "clamd.conf"
    write(configuration, _configuration(grounds))
    terms = grounds.terms(load_seconds + _ASK_SECONDS, sockets=True)
    arguments = [f"--config-file={configuration}"]
    async with started(terms, programs.clamd, arguments, grounds.scratch, output=DEVNULL) as daemon:
        if not await _is_ready(daemon, grounds.scratch / _SOCKET, load_seconds):
            return grounds.failure("clamd", Ended(daemon.returncode, "", _log(grounds)))
        arguments.extend(("--allmatch", "--no-summary", *grounds.both_probes))
        client = await run(terms, programs.clamdscan, arguments, grounds.scratch, _ASK_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(daemon.wait(), _LAST_BREATH_SECONDS)
        if daemon.returncode is not None:
            return grounds.failure("clamd", Ended(daemon.returncode, "", _log(grounds)))
    said = clamav_lines.answers(
        client.output, client.code, grounds.both_probes, Fault.CHILD_DIED, engine=programs.engine
    )
    log = _log(grounds)
    return grounds.doubt("clamd", clamav_lines.loaded_signatures(log), said, log)


def _configuration(grounds: Grounds) -> bytes:
    lines = {
        "Foreground": "yes",
        "LocalSocket": _SOCKET,
        "DatabaseDirectory": grounds.database,
        "TemporaryDirectory": grounds.scratch,
        "LogFile": grounds.scratch / _LOG,
        "LogFileMaxSize": 0,
        "MaxThreads": 2,
        "SelfCheck": 0,
        "HeuristicAlerts": "no",
        "AlertEncrypted": "yes",
        "AlertExceedsMax": "yes",
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items()).encode()


async def _is_ready(daemon: Process, socket: Path, seconds: float) -> bool:
    """Whether it listens, which it does once it has loaded; False when it has ended or took too long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while daemon.returncode is None:
                if _is_there(socket):
                    return True
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return False


def _is_there(socket: Path) -> bool:
    return socket.is_socket()


def _log(grounds: Grounds) -> str:
    """The beginning of what it has written, which it may have written as it likes."""
    try:
        with open(grounds.scratch / _LOG, "rb", opener=_unfollowed) as file:
            return file.read(_LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
