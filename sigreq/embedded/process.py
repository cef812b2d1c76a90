"""Child processes that never outlive their owner, and that a later run finds and stops if they do."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from sigreq.embedded import launch

# The kernel ties "signal me when my parent dies" to the thread that forked, so one thread forks for all and stays.
_forker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")

_POLL_SECONDS = 0.02
_KILL_SECONDS = 10
_ORPHAN_SECONDS = 2
# Creation times are counted from the boot time, which moves when the machine's clock is set.
_SAME_START_SECONDS = 2


class EmbeddedError(Exception):
    """A local server, or the folder it needs, is not usable; the message says why and what its log said last."""


@dataclass(frozen=True)
class Program:
    """What to run and how it wants to be ended; `env` is the whole environment, nothing is inherited."""

    name: str
    argv: Sequence[str | Path]
    run: Path
    log: Path
    env: Mapping[str, str] = field(repr=False)
    cwd: Path = Path("/")
    on_parent_death: signal.Signals = signal.SIGTERM
    stop_with: signal.Signals = signal.SIGTERM
    account: str = ""

    @property
    def record(self) -> Path:
        """Where the identity of the running process is kept."""
        return self.run / f"{self.name}.json"


class Child:
    """A running program in a session of its own, so the terminal's Ctrl-C is its owner's to handle."""

    def __init__(self, program: Program, spawn: Callable[[Program], psutil.Process] | None = None) -> None:
        """`spawn` begins it, where that is not by its command line."""
        self._program = program
        program.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        program.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            program.log.replace(f"{program.log}.1")
        self._process = (spawn or _spawn)(program)
        write_private(program.record, json.dumps(_identity(self._process, program)))

    @property
    def pid(self) -> int:
        """The process id; it means this child only while `is_alive()`."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the program still runs."""
        return _status(self._process) is None

    def stop(self, timeout: float) -> None:
        """Ask it to end, and after `timeout` seconds end it; returns when it is gone."""
        self._end(self._program.stop_with, timeout)

    def kill(self) -> None:
        """End it at once and wait until it and the processes it had started are gone."""
        self._end(signal.SIGKILL, _KILL_SECONDS)

    def wait_until(self, is_ready: Callable[[], bool], timeout: float) -> None:
        """Return once `is_ready()`; EmbeddedError when the program ends before that or `timeout` seconds pass."""
        deadline = time.monotonic() + timeout
        while not is_ready():
            if not self.is_alive():
                raise EmbeddedError(self._complaint(f"ended with status {_status(self._process)}"))
            if time.monotonic() > deadline:
                raise EmbeddedError(self._complaint(f"did not answer within {timeout:.0f} s"))
            time.sleep(_POLL_SECONDS)

    def _end(self, first: signal.Signals, timeout: float) -> None:
        _end(self._process, first, timeout)
        self._process.wait(_KILL_SECONDS)
        self._program.record.unlink(missing_ok=True)

    def _complaint(self, what: str) -> str:
        return f"{self._program.name} {what}; its log {self._program.log} ends:\n{tail(self._program.log)}"


def command(argv: Sequence[str | Path], on_parent_death: signal.Signals, account: str = "") -> list[str]:
    """The command line that runs `argv` with a signal at the calling thread's death, as `account` if one is given."""
    launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(on_parent_death)), account]
    return [*launcher, *map(str, argv)]


def die_with_parent(number: signal.Signals) -> None:
    """Have this process signalled when the one that started it is gone; at once, if it is gone already."""
    parent = os.getppid()
    launch.signal_at_parents_death(number)
    if parent == 1 or os.getppid() != parent:
        os.kill(os.getpid(), number)


def tied(argv: Sequence[str | Path], on_parent_death: signal.Signals, account: str = "", **more: Any) -> psutil.Popen:
    """Begin a process in a session of its own that is signalled when this one is gone; `more` is for `Popen`."""
    argv = command(argv, on_parent_death, account)
    return _forker.submit(psutil.Popen, argv, start_new_session=True, umask=0o077, **more).result()


def _spawn(program: Program) -> psutil.Process:
    with program.log.open("wb") as log:
        return tied(
            program.argv,
            program.on_parent_death,
            program.account,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(program.env),
            cwd=program.cwd,
        )


def _status(process: psutil.Process) -> int | None:
    """How it ended, if it has; of one that another process collects, only that it did."""
    with suppress(psutil.TimeoutExpired):
        return process.wait(0) or 0
    return None


def _identity(process: psutil.Process, program: Program) -> dict[str, float]:
    return {"pid": process.pid, "created": process.create_time(), "stop_with": program.stop_with}


def _end(process: psutil.Process, first: signal.Signals, timeout: float) -> None:
    with suppress(psutil.NoSuchProcess):
        offspring = process.children(recursive=True)
        process.send_signal(first)
        if still_alive([process], timeout):
            process.kill()
            still_alive([process], _KILL_SECONDS)
        # PostgreSQL's own children hold memory that its next start needs, until they notice that it is dead.
        for orphan in still_alive(offspring, _ORPHAN_SECONDS):
            with suppress(psutil.NoSuchProcess):
                orphan.kill()


def still_alive(processes: Sequence[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Those that have not ended after `timeout` seconds; returns early when all have."""
    deadline = time.monotonic() + timeout
    while (left := [process for process in processes if not _has_ended(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return left


def _has_ended(process: psutil.Process) -> bool:
    # One that has ended stays as a zombie where nobody collects it: in many containers the first process does not.
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def stop_leftovers(run: Path, timeout: float) -> None:
    """Stop what an earlier owner of this run folder left alive; a process that merely got the same pid is spared.

    Each has `timeout` seconds to end in order.
    """
    for record in run.glob("*.json"):
        identity = json.loads(record.read_text())
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(identity["pid"])
            if abs(process.create_time() - identity["created"]) < _SAME_START_SECONDS:
                _end(process, signal.Signals(identity["stop_with"]), timeout)
        record.unlink()


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody but its owner may read it at any moment."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
    draft.replace(path)
