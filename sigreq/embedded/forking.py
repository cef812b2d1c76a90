"""The parts of a service, forked from one process that has imported all they need: three starts at the price of one."""

import json
import os
import signal
import subprocess
import sys
from threading import Lock
from typing import Self

import psutil

from sigreq.embedded.process import EmbeddedError, Program, tied

COMMAND = (sys.executable, "-m", "sigreq.cli.fork_server")


def machine() -> dict[str, str]:
    """What a program has to know of the machine, out of our own environment."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH") if name in os.environ}


class ForkServer:
    """The process that forks parts. It dies with us, and they with it; the next part brings up another."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._process = self._begun()

    def spawn(self, program: Program) -> psutil.Process:
        """Run `sigreq` with the arguments in `argv`. Raises EmbeddedError where nothing can be forked."""
        program.log.write_bytes(b"")
        asked = {"name": program.name, "arguments": program.argv, "env": program.env, "log": str(program.log)}
        with self._turn:
            if self._process.poll() is not None:
                self._process = self._begun()
            try:
                process = psutil.Process(int(self._said(json.dumps(asked))))
                self._tell("go")
            except (OSError, ValueError, psutil.NoSuchProcess) as error:
                raise EmbeddedError(
                    f"{program.name} could not be started: nothing answers that could fork it"
                ) from error
        return process

    def end(self) -> None:
        """End it. What it has forked and still runs is asked to end."""
        self._process.kill()
        self._process.communicate()

    def _begun(self) -> psutil.Popen:
        pipe = subprocess.PIPE
        return tied(COMMAND, signal.SIGKILL, stdin=pipe, stdout=pipe, env=machine(), cwd="/", text=True)

    def _said(self, line: str) -> str:
        self._tell(line)
        answer: str = self._process.stdout.readline()
        return answer

    def _tell(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
