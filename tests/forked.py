"""Work that is killed at one point after the other, each time in a fork of a process that has imported everything.

A test holds `Forks`; the module that it names calls `serve`, and says at each point of its work where it is. A process
dies at the first point that none before it has died at. So each run is the one that goes on from where the one before
died, and together they die everywhere.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

ROOT = Path(__file__).parents[1]


class Forks:
    """Runs what a module does in forks of one process that has imported everything."""

    def __init__(self, module: str, env: Mapping[str, str], folder: Path) -> None:
        self._log, self._where = folder / "log", folder / "where"
        self.died_at: list[str] = []
        with self._log.open("wb") as told:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", module, str(self._where)],
                env={**os.environ, **env},
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
            )

    def run(self, *arguments: Any, is_spared: bool = False) -> bool:
        """Whether it died; it may end in no other way but well. Where it `is_spared`, no point kills it."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps([None if is_spared else self.died_at, arguments]) + "\n")
        self._parent.stdin.flush()
        answer = self._parent.stdout.readline()
        assert answer in {"0\n", f"{-signal.SIGKILL}\n"}, self._log.read_text()
        if answer == "0\n":
            return False
        self.died_at.append(self._where.read_text())
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._parent.communicate(timeout=60)


class Points:
    """Where a process is in its work. The same name again is another point, with a number."""

    def __init__(self, died_at: list[str] | None, where: Path) -> None:
        self._died_at = died_at
        self._where = where
        self._seen = Counter[str]()

    def passed(self, name: str) -> None:
        """Here we are: the end, if nobody died here yet."""
        self.passed_each(self.next(name))

    def next(self, name: str) -> str:
        """What this point is called, this time."""
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name} #{self._seen[name]}"

    def passed_each(self, name: str) -> None:
        """The same, where it is chance how often this comes."""
        if self.is_last(name):
            self.die(name)

    def is_last(self, name: str) -> bool:
        """Whether nobody died here yet."""
        return self._died_at is not None and name not in self._died_at

    def die(self, name: str) -> NoReturn:
        """Say where, and be killed."""
        with self._where.open("w") as file:
            file.write(name)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def serve(act: Callable[..., None]) -> None:
    """Have `act` done in a fork for each line of standard input; this process may have one thread only."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            died_at, arguments = json.loads(line)
            _end_with(act, Points(died_at, Path(sys.argv[1])), arguments)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _end_with(act: Callable[..., None], points: Points, arguments: list[Any]) -> None:
    """Do it, and end this process without going back to where it was forked."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1):  # the parent's pipes
        os.dup2(nothing, each)
    code = 1
    try:
        act(points, *arguments)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 -- whatever it is, this process may not go on as the parent would
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)
