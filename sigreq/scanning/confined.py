"""Starts a program of somebody else's locked in: it reads libraries and what it is given, and writes one folder.

It is itself started with terms in JSON, as `programs.Terms` has them, the program and its arguments. The program takes
the place of this process.
"""

import json
import os
import resource
import sys

from sigreq.scanning import sandbox, system_calls


def main() -> None:
    """Give everything up, then become the program."""
    terms = json.loads(sys.argv[1])
    program, *arguments = sys.argv[2:]
    os.nice(terms["niceness"])
    sandbox.confine_program(program, terms["readable"], terms["writable"])
    for limit, value in {
        resource.RLIMIT_AS: terms["memory"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: terms["seconds"],
        resource.RLIMIT_FSIZE: terms["file_bytes"],
        resource.RLIMIT_NOFILE: terms["open_files"],
    }.items():
        resource.setrlimit(limit, (value, value))
    system_calls.restrict_program(sockets=terms["sockets"])
    os.execve(program, [program, *arguments], dict(os.environ))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
