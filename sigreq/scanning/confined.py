"""Starts a program of somebody else's locked in: it reads its own library, what it is given, and writes one folder.

Run as `python -m sigreq.scanning.confined TERMS PROGRAM ARGUMENT...`; the program takes the place of this process.
"""

import json
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sigreq.scanning import sandbox, system_calls

COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "sigreq.scanning.confined")
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


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


def command(terms: Terms, program: Path, arguments: Sequence[str]) -> list[str]:
    """What to start, with ENVIRONMENT."""
    return [*COMMAND, json.dumps(asdict(terms)), str(program), *arguments]


def main() -> None:
    """Give everything up, then become the program."""
    terms = Terms(**json.loads(sys.argv[1]))
    program, *arguments = sys.argv[2:]
    os.nice(terms.niceness)
    sandbox.confine_program(program, terms.readable, terms.writable)
    for limit, value in {
        resource.RLIMIT_AS: terms.memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: terms.seconds,
        resource.RLIMIT_FSIZE: terms.file_bytes,
        resource.RLIMIT_NOFILE: terms.open_files,
    }.items():
        resource.setrlimit(limit, (value, value))
    system_calls.restrict_program(sockets=terms.sockets)
    os.execve(program, [program, *arguments], dict(os.environ))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
