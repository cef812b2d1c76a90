"""The folder in which a worker keeps what it works on."""

import os
import shutil
from pathlib import Path

import psutil


def own_folder(work_dir: Path) -> Path:
    """A folder for this process alone. What a killed worker left, samples among it, goes first."""
    for left in work_dir.glob("worker-*"):
        if not psutil.pid_exists(int(left.name.removeprefix("worker-"))):
            shutil.rmtree(left, ignore_errors=True)
    own = work_dir / f"worker-{os.getpid()}"
    # In a container the one that was killed had the same number.
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    return own
