"""Loads compiled rules once, and forks examining children that share them. Runs as a process of its own.

It never sees a sample. It is asked by JSON messages over a socket, one answer to each, until that closes: to `load`
rules, for a child (its `folder`, and with the message the socket that is to be the child's input and output), or to say
how one ended (`reap`).
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from sigreq.scanning import (
    child,
    engine,
    looking,  # noqa: F401 - or each child would have to load it for itself
    sandbox,
    unpacking,  # noqa: F401 - the same
)

MESSAGE_BYTES = 16 << 10
_STANDARD = (0, 1, 2)


def main() -> None:
    """Lock down, then serve."""
    terms = json.loads(sys.argv[1])
    asks = socket.socket(fileno=int(sys.argv[2]))
    libraries = child.prepared(terms)
    with suppress(ImportError):  # it is named when a program is looked at
        from sigreq.scanning import executables  # noqa: F401, PLC0415 - costs each child 0.4 s otherwise
    sandbox.lock_down_server(Path.cwd(), [terms["readable"]], terms["file_bytes"])
    rulesets = child.Rulesets()
    while True:
        message, passed, _, _ = socket.recv_fds(asks, MESSAGE_BYTES, 1)
        if not message:
            return
        request = json.loads(message)
        if "reap" in request:
            _say(asks, {"status": _reaped(request["reap"])})
        elif "load" in request:
            _load(rulesets, request["load"])
            _say(asks, {"loaded": rulesets.paths})
        else:
            pid = _forked(asks, passed[0], Path(request["folder"]))
            if not pid:
                break
            os.close(passed[0])
            _say(asks, {"pid": pid})
    with os.fdopen(os.dup(0), "wb") as replies:
        child.serve(terms, replies, libraries, rulesets)


def _load(rulesets: child.Rulesets, path: str) -> None:
    """Have them at hand; what cannot be loaded is left to the child that is asked about it."""
    with suppress(engine.ScanError, MemoryError):
        rulesets.get(path)
    gc.freeze()  # what is not looked through for garbage stays shared


def _forked(asks: socket.socket, requests: int, folder: Path) -> int:
    """Fork; the child's number here, and in the child 0, with its own socket as standard input."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    os.chdir(folder)
    os.dup2(requests, 0)
    for each in (requests, asks.detach()):
        if each not in _STANDARD:
            os.close(each)
    return 0


def _reaped(pid: int) -> int:
    """The exit code of a child that has ended, negative for a signal."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return -signal.SIGKILL


def _say(asks: socket.socket, answer: dict[str, Any]) -> None:
    asks.send(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
