"""Child processes: how they end, whoever ends first."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sigreq.embedded import launch
from sigreq.embedded.process import Child, EmbeddedError, Program, still_alive, stop_leftovers

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
SLEEP = ["/bin/sleep", "60"]
GUARD_SECONDS = 10


def program(folder: Path, *argv: str) -> Program:
    return Program("child", argv, run=folder / "run", log=folder / "log", env={"ONLY": "this"})


def start(folder: Path, *argv: str) -> Child:
    """Start it and wait until it has become the program it was asked to be."""
    child = Child(program(folder, *argv))
    child.wait_until(lambda: psutil.Process(child.pid).cmdline() == list(argv), GUARD_SECONDS)
    return child


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    child = start(tmp_path, *SLEEP)
    yield child
    child.kill()


def test_a_child_has_a_session_of_its_own_and_only_the_environment_given(child: Child) -> None:
    assert os.getsid(child.pid) == child.pid
    environment = psutil.Process(child.pid).environ()
    assert environment.pop("ONLY") == "this"
    assert not {"HOME", "PATH"} & environment.keys()


def test_a_stopped_child_is_gone_with_its_record(child: Child, tmp_path: Path) -> None:
    assert child.is_alive()
    assert (tmp_path / "run" / "child.json").exists()
    child.stop(GUARD_SECONDS)
    assert not child.is_alive()
    assert not psutil.pid_exists(child.pid)
    assert not (tmp_path / "run" / "child.json").exists()


def test_a_child_that_does_not_heed_the_signal_is_killed(tmp_path: Path) -> None:
    child = Child(program(tmp_path, sys.executable, "-c", STUBBORN))
    child.wait_until(lambda: (tmp_path / "log").read_text() == "up\n", GUARD_SECONDS)
    child.stop(0.2)
    assert not psutil.pid_exists(child.pid)


def test_stopping_twice_and_stopping_what_has_ended_is_no_error(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)
    child.stop(GUARD_SECONDS)
    child.stop(GUARD_SECONDS)
    child.kill()
    assert not child.is_alive()


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    children: list[Child] = []
    thread = threading.Thread(target=lambda: children.append(start(tmp_path, *SLEEP)))
    thread.start()
    thread.join()
    with pytest.raises(psutil.TimeoutExpired):
        psutil.Process(children[0].pid).wait(0.3)
    children[0].kill()


def test_a_program_that_ends_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = Child(program(tmp_path, "/bin/sh", "-c", "echo no space left; exit 3"))
    with pytest.raises(EmbeddedError, match=r"child ended with status 3.*\nno space left"):
        child.wait_until(lambda: False, GUARD_SECONDS)


def test_a_program_that_never_answers_is_reported(child: Child) -> None:
    with pytest.raises(EmbeddedError, match="did not answer within 0 s"):
        child.wait_until(lambda: False, 0.1)


def test_a_leftover_of_an_earlier_owner_is_stopped_even_if_it_does_not_heed_the_signal(tmp_path: Path) -> None:
    for argv in (SLEEP, [sys.executable, "-c", STUBBORN]):
        child = start(tmp_path, *argv)
        stop_leftovers(tmp_path / "run", 0.5)
        assert not child.is_alive()
        assert not (tmp_path / "run" / "child.json").exists()


def test_a_process_that_only_got_the_pid_of_a_leftover_is_spared(child: Child, tmp_path: Path) -> None:
    record = tmp_path / "run" / "child.json"
    identity = json.loads(record.read_text())
    record.write_text(json.dumps(identity | {"created": identity["created"] - 60}))
    stop_leftovers(tmp_path / "run", GUARD_SECONDS)
    assert child.is_alive()
    assert not record.exists()


def test_what_a_killed_child_had_started_is_ended_too(tmp_path: Path) -> None:
    shell = Child(program(tmp_path, "/bin/sh", "-c", "sleep 61 & echo $!; sleep 60"))
    shell.wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"), GUARD_SECONDS)
    grandchild = psutil.Process(int((tmp_path / "log").read_text()))
    shell.kill()
    assert still_alive([grandchild], 0.5) == []


def test_a_launcher_whose_parent_is_already_dead_does_not_start_the_program(tmp_path: Path) -> None:
    target = tmp_path / "started"
    argv = [sys.executable, "-I", "-S", launch.__file__, "1", "9", "", "/usr/bin/touch", str(target)]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "parent died" in ended.stderr
    assert ended.returncode != 0
    assert not target.exists()
