"""Children are killed, die, are replaced and locked down."""

import asyncio
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning import pool, sandbox
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import (
    BUSY_SECONDS,
    NEEDLE,
    SLOW_CONTENT,
    SLOW_RULESET,
    busy_child,
    children_of,
    scan,
    with_scanner,
    written,
)

DIED = ScanResult.not_scanned("scanner_died")

PARENT = """
import asyncio, sys
from pathlib import Path
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import SLOW_RULESET, scan
asyncio.run(scan(Scanner(Path(sys.argv[1])), Path(sys.argv[2]), SLOW_RULESET))
"""
ROOT = Path(__file__).parents[2]


def test_a_child_killed_while_idle_costs_no_answer(tmp_path: Path) -> None:
    sample = written(tmp_path, NEEDLE)

    async def kill_between(scanner: Scanner) -> Outcome:
        await scan(scanner, sample)
        (child,) = children_of(psutil.Process())
        child.kill()
        return (await scan(scanner, sample)).outcome

    assert with_scanner(kill_between, tmp_path) is Outcome.DETECTED


def test_a_scan_whose_child_is_killed_is_tried_once_more_and_then_given_up(tmp_path: Path) -> None:
    slow, quick = written(tmp_path, SLOW_CONTENT, "slow"), written(tmp_path, NEEDLE, "quick")

    async def kill_twice(scanner: Scanner) -> tuple[set[int], ScanResult, Outcome]:
        task = asyncio.create_task(scan(scanner, slow, SLOW_RULESET))
        killed = set()
        for _ in range(2):
            child = await busy_child()
            killed.add(child.pid)
            child.kill()
            await asyncio.sleep(0.2)
        return killed, await task, (await scan(scanner, quick)).outcome

    killed, given_up, next_one = with_scanner(kill_twice, tmp_path)
    assert len(killed) == 2
    assert given_up == DIED
    assert next_one is Outcome.DETECTED


def test_a_child_is_replaced_after_a_hundred_scans(tmp_path: Path) -> None:
    sample = written(tmp_path, NEEDLE)

    async def scan_many(scanner: Scanner) -> list[int]:
        pids = []
        for _ in range(pool.ASKED_AT_MOST + 1):
            await scan(scanner, sample)
            pids += [child.pid for child in children_of(psutil.Process())]
        return pids

    pids = with_scanner(scan_many, tmp_path)
    assert len(set(pids[:-1])) == 1
    assert pids[-1] != pids[0]


def test_a_child_over_its_time_is_gone_when_the_answer_comes(tmp_path: Path) -> None:
    slow = written(tmp_path, SLOW_CONTENT)

    async def overrun(scanner: Scanner) -> tuple[ScanResult, list[psutil.Process]]:
        return await scan(scanner, slow, SLOW_RULESET), children_of(psutil.Process())

    assert with_scanner(overrun, tmp_path, timeout=2) == (ScanResult.not_scanned("timeout"), [])


def test_a_cancelled_scan_leaves_no_child_at_work(tmp_path: Path) -> None:
    slow = written(tmp_path, SLOW_CONTENT)

    async def cancel(scanner: Scanner) -> list[psutil.Process]:
        task = asyncio.create_task(scan(scanner, slow, SLOW_RULESET))
        await busy_child()
        task.cancel()
        await asyncio.wait([task])
        return children_of(psutil.Process())

    assert with_scanner(cancel, tmp_path) == []


def test_closing_ends_scans_under_way_and_refuses_later_ones(tmp_path: Path) -> None:
    slow = written(tmp_path, SLOW_CONTENT)

    async def close_early(scanner: Scanner) -> list[ScanResult]:
        tasks = [asyncio.create_task(scan(scanner, slow, SLOW_RULESET)) for _ in range(2)]
        await busy_child()
        await scanner.close()
        return [*await asyncio.gather(*tasks), await scan(scanner, slow, SLOW_RULESET)]

    assert with_scanner(close_early, tmp_path) == [DIED, DIED, DIED]
    assert children_of(psutil.Process()) == []


def test_a_child_dies_with_a_parent_that_is_killed_in_the_middle_of_a_scan(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", PARENT, str(tmp_path / "work"), str(written(tmp_path, SLOW_CONTENT))]
    parent = subprocess.Popen(arguments, cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while not (children := children_of(psutil.Process(parent.pid))) or children[0].cpu_times().user < BUSY_SECONDS:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_child_is_locked_down_before_it_serves(tmp_path: Path) -> None:
    sample = written(tmp_path, NEEDLE)

    async def inspect(scanner: Scanner) -> tuple[dict[str, str], list[str], int, int, dict[str, str]]:
        await scan(scanner, sample)
        (child,) = children_of(psutil.Process())
        proc = Path("/proc", str(child.pid))
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        return status, (proc / "limits").read_text().splitlines(), child.pid, os.getpgid(child.pid), child.environ()

    status, limits, pid, group, environment = with_scanner(inspect, tmp_path)
    assert status["NoNewPrivs"] == "1"
    for name, value in {
        "Max address space": sandbox.ADDRESS_SPACE,
        "Max core file size": 0,
        "Max file size": 0,
        "Max open files": 32,
        "Max processes": 0,
    }.items():
        (line,) = (line for line in limits if line.startswith(name))
        assert line.removeprefix(name).split()[:2] == [str(value)] * 2
    assert group == pid
    assert environment == {}


LOCKED = """
import os, socket, sys
from sigreq.scanning import sandbox
sandbox.lock_down()
def refused(action):
    try:
        action()
    except OSError:
        return True
    return False
folder = sys.argv[1]
assert open(folder + "/kept").read() == "kept"
assert refused(lambda: os.write(os.open(folder + "/kept", os.O_WRONLY), b"x"))
assert refused(lambda: os.write(os.open(folder + "/new", os.O_WRONLY | os.O_CREAT), b"x"))
if sys.argv[2] == "landlock":
    assert refused(lambda: os.open(folder + "/kept", os.O_WRONLY))
    assert refused(lambda: os.unlink(folder + "/kept"))
    assert refused(lambda: os.mkdir(folder + "/made"))
    assert refused(lambda: os.execv(sys.executable, [sys.executable, "-c", ""]))
print("locked")
"""


def test_a_locked_down_process_can_read_but_neither_write_nor_remove_nor_execute(tmp_path: Path) -> None:
    written(tmp_path, b"kept", "kept")
    has_landlock = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) >= 1
    arguments = [sys.executable, "-c", LOCKED, str(tmp_path), "landlock" if has_landlock else "limits"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("locked\n", "")
