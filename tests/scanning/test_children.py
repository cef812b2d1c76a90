"""Children are killed, die, are replaced, and are locked down before they serve."""

import asyncio
import os
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import psutil
import pytest

from sigreq.domain.faults import Fault
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning import pool
from sigreq.scanning.scanner import Place, Scanner
from tests.scanning.support import (
    BUSY_SECONDS,
    NEEDLE,
    RULESET,
    SLOW_CONTENT,
    SLOW_RULESET,
    busy_child,
    children_of,
    examining_children,
    in_place,
    scan,
    see_locked_down,
    see_nothing_of_ours,
    with_scanner,
    written,
    zipped,
)

DIED = ScanResult.not_scanned("child_died")

PARENT = """
import asyncio, sys
from pathlib import Path
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import SLOW_CONTENT, SLOW_RULESET, scan
asyncio.run(scan(Scanner(Path(sys.argv[1]), shared=Path(sys.argv[1], "shared")), SLOW_CONTENT, SLOW_RULESET))
"""
ROOT = Path(__file__).parents[2]


def examining_child() -> psutil.Process:
    (child,) = examining_children()
    return child


def test_a_child_killed_while_idle_costs_no_answer(tmp_path: Path) -> None:
    async def kill_between(scanner: Scanner) -> Outcome:
        await scan(scanner, NEEDLE)
        examining_child().kill()
        return (await scan(scanner, NEEDLE)).outcome

    assert with_scanner(kill_between, tmp_path) is Outcome.DETECTED


def test_a_scan_whose_child_is_killed_is_tried_once_more_and_then_given_up(tmp_path: Path) -> None:
    async def kill_twice(scanner: Scanner) -> tuple[set[int], ScanResult, Outcome]:
        task = asyncio.create_task(scan(scanner, SLOW_CONTENT, SLOW_RULESET))
        killed = set()
        for _ in range(2):
            child = await busy_child()
            killed.add(child.pid)
            child.kill()
            await asyncio.sleep(0.2)
        return killed, await task, (await scan(scanner, NEEDLE)).outcome

    killed, given_up, next_one = with_scanner(kill_twice, tmp_path)
    assert len(killed) == 2
    assert given_up == DIED
    assert next_one is Outcome.DETECTED


def test_what_a_killed_child_has_unpacked_is_not_in_the_way_of_the_second_attempt(tmp_path: Path) -> None:
    async def kill_halfway(place: Place) -> tuple[int, list[str]]:
        sample = written(place.folder, zipped(*(os.urandom(100_000) for _ in range(300))))
        task = asyncio.create_task(place.unpack(sample, []))
        while not (place.folder / "member-2").exists():  # noqa: ASYNC110 - only the folder tells
            await asyncio.sleep(0.001)
        examining_child().kill()
        found = await task
        return len(found.members), [str(fault) for fault in found.faults]

    assert in_place(kill_halfway, tmp_path) == (300, [])


def test_a_child_is_replaced_after_so_many_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ASKED_AT_MOST", 5)

    async def ask_many(place: Place) -> list[int]:
        sample = written(place.folder, b"x")
        pids = []
        for _ in range(6):
            await place.identify(sample)
            pids.append(examining_child().pid)
        return pids

    pids = in_place(ask_many, tmp_path)
    assert len(set(pids[:5])) == 1
    assert pids[5] != pids[0]


def test_a_child_that_keeps_too_much_memory_is_replaced_for_the_next_sample(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scan_thrice(scanner: Scanner) -> list[int]:
        pids = []
        for bound in (pool.RESIDENT_AT_MOST, 1 << 20, pool.RESIDENT_AT_MOST):
            async with scanner.place() as place:
                await place.identify(written(place.folder, b"x"))
                pids.append(examining_child().pid)
                monkeypatch.setattr(pool, "RESIDENT_AT_MOST", bound)
        return pids

    first, second, third = with_scanner(scan_thrice, tmp_path)
    assert first == second != third


def test_a_sample_that_asks_for_too_much_memory_has_a_child_replaced(tmp_path: Path) -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression=zipfile.ZIP_LZMA) as packed:
        packed.writestr("member", b"harmless")
    # What zipfile announces as the size of the dictionary, 8 MiB, becomes 4 GiB.
    greedy = file.getvalue().replace((8 << 20).to_bytes(4, "little"), b"\xff" * 4)

    async def unpack(place: Place) -> tuple[set[Fault], list[psutil.Process]]:
        found = await place.unpack(written(place.folder, greedy), [])
        return {fault for member in found.members for fault in member.faults}, children_of(psutil.Process())

    assert in_place(unpack, tmp_path) == ({Fault.OUT_OF_MEMORY}, [])


def test_a_child_over_its_time_is_gone_when_the_answer_comes(tmp_path: Path) -> None:
    async def overrun(scanner: Scanner) -> tuple[ScanResult, list[psutil.Process]]:
        return await scan(scanner, SLOW_CONTENT, SLOW_RULESET), children_of(psutil.Process())

    assert with_scanner(overrun, tmp_path, timeout=1) == (ScanResult.not_scanned("timeout"), [])


def test_a_cancelled_scan_leaves_no_child_at_work_and_no_sample(tmp_path: Path) -> None:
    async def cancel(scanner: Scanner) -> list[psutil.Process]:
        task = asyncio.create_task(scan(scanner, SLOW_CONTENT, SLOW_RULESET))
        await busy_child()
        task.cancel()
        await asyncio.wait([task])
        return children_of(psutil.Process())

    assert with_scanner(cancel, tmp_path) == []
    assert [path for path in (tmp_path / "work" / "places").rglob("*") if path.is_file()] == []


def test_closing_ends_what_is_under_way_and_refuses_what_comes_later(tmp_path: Path) -> None:
    async def close_early(scanner: Scanner) -> list[ScanResult]:
        tasks = [asyncio.create_task(scan(scanner, SLOW_CONTENT, SLOW_RULESET)) for _ in range(2)]
        await busy_child()
        await scanner.close()
        return [*await asyncio.gather(*tasks), await scan(scanner, SLOW_CONTENT, SLOW_RULESET)]

    assert with_scanner(close_early, tmp_path) == [DIED, DIED, DIED]
    assert children_of(psutil.Process()) == []


def test_a_child_dies_with_a_parent_that_is_killed_in_the_middle_of_a_scan(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "work")], cwd=ROOT)
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


def test_a_child_that_computes_on_ends_by_itself_when_its_parent_is_stopped(tmp_path: Path) -> None:
    """The parent is a busy event loop: it looks up only after the child's processor time is used up."""

    async def stall(place: Place) -> ScanResult:
        await place.scan(RULESET, written(place.folder, b"x", "warm-up"))
        sample = written(place.folder, b"a" * 20_000_000)
        task = asyncio.create_task(place.scan(SLOW_RULESET, sample))
        child = await busy_child()
        deadline = time.monotonic() + 30
        while psutil.pid_exists(child.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)  # noqa: ASYNC251 - nobody is to run here
        return await task

    assert in_place(stall, tmp_path, timeout=1).reason in {Fault.CPU_LIMIT, Fault.TIMEOUT}


def test_a_child_is_locked_down_before_it_serves(tmp_path: Path) -> None:
    async def inspect(scanner: Scanner) -> tuple[dict[str, str], list[str], int, int, dict[str, str]]:
        await scan(scanner, NEEDLE)
        child = examining_child()
        proc = Path("/proc", str(child.pid))
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        return status, (proc / "limits").read_text().splitlines(), child.pid, os.getpgid(child.pid), child.environ()

    status, limits, pid, group, environment = with_scanner(inspect, tmp_path)
    see_locked_down(status, limits)
    (processor,) = (line for line in limits if line.startswith("Max cpu time"))
    assert int(processor.split()[3]) < 70
    assert group == pid
    see_nothing_of_ours(environment)
