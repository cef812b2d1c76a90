"""Children that share the rules used often: as locked in as any other, replaced like any other, and no condition."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning import forking, preloading
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import (
    BUSY_SECONDS,
    NEEDLE,
    NEEDLE_RULE,
    RULESET,
    SLOW_CONTENT,
    SLOW_RULESET,
    busy_child,
    children_of,
    examining_children,
    scan,
    see_locked_down,
    see_nothing_of_ours,
    with_scanner,
)

PROGRAM = "sigreq.scanning.fork_server"
PARENT = """
import asyncio, sys
from pathlib import Path
from sigreq.scanning import preloading
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import RULESET, SLOW_CONTENT, SLOW_RULESET, scan
from tests.scanning.test_preloading import shared
preloading.OFTEN = 1
async def work(scanner):
    await shared(scanner)
    await scan(scanner, SLOW_CONTENT, SLOW_RULESET)
asyncio.run(work(Scanner(Path(sys.argv[1]), shared=Path(sys.argv[1], "shared"), places=1)))
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _every_use_is_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preloading, "OFTEN", 1)


def forked() -> list[psutil.Process]:
    return [child for child in examining_children() if PROGRAM in _command(child)]


def servers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if PROGRAM in _command(child)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


async def shared(scanner: Scanner) -> psutil.Process:
    """A child that shares the needle's rules, after the first ones have been replaced by such."""
    async with asyncio.timeout(60):
        while not forked():
            assert (await scan(scanner, NEEDLE, RULESET)).outcome is Outcome.DETECTED
            await asyncio.sleep(0.02)
    return forked()[0]


def test_what_is_used_often_is_shared_and_answers_stay_the_same(tmp_path: Path) -> None:
    async def compare(scanner: Scanner) -> tuple[list[ScanResult], list[ScanResult]]:
        before = [await scan(scanner, content) for content in (NEEDLE, b"x")]
        await shared(scanner)
        return before, [await scan(scanner, content) for content in (NEEDLE, b"x")]

    before, after = with_scanner(compare, tmp_path)
    assert [each.outcome for each in before] == [Outcome.DETECTED, Outcome.CLEAN]
    assert [(each.outcome, each.hits) for each in after] == [(each.outcome, each.hits) for each in before]
    assert children_of(psutil.Process()) == servers() == []


def test_rules_that_come_later_are_scanned_with_and_then_shared_too(tmp_path: Path) -> None:
    later = type(RULESET)({"Later": NEEDLE_RULE.replace("rule Needle", "rule Later")})

    async def scan_all(scanner: Scanner) -> tuple[set[int], tuple[str, ...]]:
        pids = {(await shared(scanner)).pid}
        found: tuple[str, ...] = ()
        async with asyncio.timeout(60):
            while len(pids) < 2:
                found = (await scan(scanner, NEEDLE, later)).detections
                pids |= {child.pid for child in forked()}
                await asyncio.sleep(0.02)
        assert (await scan(scanner, NEEDLE)).detections == ("Needle",)
        return {child.pid for child in forked()} - pids, found

    assert with_scanner(scan_all, tmp_path) == (set(), ("Later",))


def test_a_forked_child_is_locked_down_as_any_other(tmp_path: Path) -> None:
    async def inspect(scanner: Scanner) -> tuple[dict[str, str], list[str], int, int, int, dict[str, str]]:
        child = await shared(scanner)
        proc = Path("/proc", str(child.pid))
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        limits = (proc / "limits").read_text().splitlines()
        files = len(list((proc / "fd").iterdir()))
        return status, limits, child.pid, os.getpgid(child.pid), files, child.environ()

    status, limits, pid, group, files, environment = with_scanner(inspect, tmp_path)
    see_locked_down(status, limits)
    assert group == pid
    assert files == 4  # its input, which its answers go back through as well, and nothing of the server's
    see_nothing_of_ours(environment)


def test_a_forked_child_that_dies_or_uses_up_its_time_is_replaced(tmp_path: Path) -> None:
    async def lose(scanner: Scanner) -> list[str | None]:
        (await shared(scanner)).kill()
        said: list[str | None] = [(await scan(scanner, NEEDLE)).reason]
        for signals in ([signal.SIGXCPU], [signal.SIGKILL, signal.SIGKILL]):
            task = asyncio.create_task(scan(scanner, SLOW_CONTENT, SLOW_RULESET))
            for each in signals:
                (await busy_child()).send_signal(each)
                await asyncio.sleep(0.2)
            said.append((await task).reason)
        said.append((await scan(scanner, NEEDLE)).reason)
        return said

    assert with_scanner(lose, tmp_path) == [None, "cpu_limit", "child_died", None]
    assert children_of(psutil.Process()) == servers() == []


def test_without_the_process_that_forks_children_load_rules_for_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(scanner: Scanner) -> list[ScanResult]:
        await shared(scanner)
        monkeypatch.setattr(forking, "COMMAND", ("/usr/bin/false",))
        for server in servers():
            server.kill()
        results = []
        for _ in range(10):
            results.append(await scan(scanner, NEEDLE))
            await asyncio.sleep(0.02)
        assert forked() == servers() == []
        assert len(examining_children()) == 1
        return results

    assert {each.outcome for each in with_scanner(lose, tmp_path)} == {Outcome.DETECTED}


def test_all_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "work")], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        busy: list[psutil.Process] = []
        while not busy:
            assert time.monotonic() < deadline
            children = psutil.Process(parent.pid).children(recursive=True)
            forks = [child for child in children_of(psutil.Process(parent.pid)) if PROGRAM in _command(child)]
            busy = [child for child in forks if child.cpu_times().user > BUSY_SECONDS]
            time.sleep(0.05)
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
