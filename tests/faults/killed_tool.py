"""The command `sigreq`, killed at a point of its work: `python -m tests.faults.killed_tool POINT release run ...`.

Points are counted at everything that lasts: after each request, and before and after each file takes its place. Right
before a request nothing is different from right after what was done last.
"""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from sigreq.cli.main import main

_point = int(sys.argv[1])
_points = count(1)


def _pass() -> None:
    if next(_points) == _point:
        os.kill(os.getpid(), signal.SIGKILL)


def _watched(act: Callable[..., Any], *, is_file: bool) -> Callable[..., Any]:
    def acted(*args: Any, **more: Any) -> Any:
        if is_file:
            _pass()
        answer = act(*args, **more)
        _pass()
        return answer

    return acted


if __name__ == "__main__":
    setattr(httpx2.Client, "send", _watched(httpx2.Client.send, is_file=False))  # noqa: B010 -- every request goes through it
    setattr(Path, "replace", _watched(Path.replace, is_file=True))  # noqa: B010 -- and every file
    main(sys.argv[2:])
