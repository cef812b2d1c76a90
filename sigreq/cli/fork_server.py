"""Imports what the parts of a service need, once, and forks them. Run by `embedded.forking` as a process of its own.

It is asked by JSON, a line for each part, until its input closes: what to tell `sigreq` (`arguments`), the part's
`name`, its whole environment (`env`), and the `log` that it writes. It answers with the number of the process, which
begins when the next line says that the number was heard.
"""

import json
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from sigreq.cli.environment import kept
from sigreq.cli.main import main as sigreq
from sigreq.embedded.process import die_with_parent

# What the commands import when they run; the rest comes with it.
_NEEDED = ("sigreq.cli.serve", "sigreq.cli.worker", "sigreq.logs", "sigreq.api.server", "sigreq.worker")


def main() -> None:
    """Fork until the input closes; and in each fork, be the part."""
    with kept():
        for name in _NEEDED:
            import_module(name)
    # One that has ended is gone at once, and needs nobody to ask how.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in iter(sys.stdin.readline, ""):
        heard, say = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(say)
            _become(json.loads(line), heard)
            return
        os.close(heard)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        os.close(say)


def _become(part: dict[str, Any], heard: int) -> None:
    """Be as if started by a command line: nothing is left of the process that forked but what it has imported."""
    os.setsid()
    die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.read(heard, 1)  # it ends when the other side is closed
    os.close(heard)
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(part["log"], os.O_WRONLY | os.O_APPEND)
    for place, file in enumerate((nothing, log, log)):
        os.dup2(file, place)
    os.close(nothing)
    os.close(log)
    Path("/proc/self/comm").write_text(part["name"])  # what `ps` shows
    os.environ.clear()
    os.environ.update(part["env"])
    time.tzset()
    sigreq(part["arguments"], prog_name="sigreq")


if __name__ == "__main__":
    main()
