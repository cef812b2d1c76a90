"""Which of the test processes gets which file.

The last of three or more fills the gaps: while the tests of the running service wait, it works at what does not need
that service, and steps back when they go on. What it has not come to when the others have nothing left of theirs, they
take over, so that all end together.
"""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# Folders whose files ask for no service that others ask for too: what they need they start for themselves. So does what
# lies beside the folders.
_WITHOUT_THE_SERVICE = ("faults", "scanning", "trust", "embedded", "store", "client", "domain", "notify")
_WITH_IT_ALL_THE_SAME = (
    "tests/embedded/test_forking.py",
    "tests/faults/test_hostile_samples.py",
    "tests/faults/test_killed_release_tool.py",
)
_FEWEST_PROCESSES = 3
# A third of the others' weight: it fills gaps, and still ends in time.
_STEP_BACK = 5
_SESSION = Path("/proc/self/autogroup")


def fills_gaps() -> bool:
    """Whether this process is the one."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    return count >= _FEWEST_PROCESSES and os.environ["PYTEST_XDIST_WORKER"] == _filler(count)


def step_back() -> None:
    """Lower this process's claim to the processor."""
    # Where Linux weighs sessions against each other, only one that is a session of its own can step back.
    os.setsid()
    os.nice(_STEP_BACK)
    with suppress(OSError):  # another kernel, or one that lets nobody write there: then it takes its full share
        _SESSION.write_text(str(_STEP_BACK))


def needs_the_service(file: str) -> bool:
    """Whether a file, by its path from the project's root, goes to those that have the running service."""
    folder = Path(file).parent.name
    return file in _WITH_IT_ALL_THE_SAME or folder not in ("tests", *_WITHOUT_THE_SERVICE)


class SharedOut(LoadFileScheduling):  # type: ignore[misc] # xdist ships no types
    """Hands out whole files in their order, and to the process that fills gaps those that need no service."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        fitting = [name for name in self.workqueue if needs_the_service(name) != self._fills_gaps(node)]
        if self._fills_gaps(node) and not fitting:
            node.shutdown()
            return
        if fitting:
            self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)

    def _fills_gaps(self, node: WorkerController) -> bool:
        return bool(self.numnodes >= _FEWEST_PROCESSES and node.gateway.id == _filler(self.numnodes))


def make_scheduler(config: pytest.Config, log: object) -> SharedOut:
    """For xdist's hook."""
    return SharedOut(config, log)


def _filler(count: int) -> str:
    return f"gw{count - 1}"
