"""What a program of somebody else's can do, once it is locked in, and what it cannot."""

import asyncio
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sigreq.scanning import programs
from sigreq.scanning.programs import Ended, Terms
from tests.scanning.attempts import AT_FILES, AT_OTHERS, START, Places, became, code_of

PYTHON = Path("/usr/bin/python3")


class Grounds(Places):
    """Those places, and what a program may do with them."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        self.terms = Terms((str(self.readable),), str(self.folder), 1 << 30, 1 << 20, 64, 30, 0, sockets=False)

    def run(self, program: Path, *arguments: str, seconds: float = 60) -> Ended:
        return asyncio.run(programs.run(self.terms, program, arguments, self.folder, seconds))

    def attempt(self, *attempts: str) -> dict[str, str]:
        ended = self.run(PYTHON, "-c", START + code_of(attempts), *self.arguments)
        assert ended.code == 0, ended
        return became(ended.output, attempts)


@pytest.fixture
def grounds(tmp_path: Path) -> Grounds:
    return Grounds(tmp_path)


def test_it_reads_what_it_is_given_and_writes_its_folder(grounds: Grounds) -> None:
    said = grounds.attempt(
        "assert (readable / 'given').read_text() == 'given'",
        "assert os.listdir(readable) == ['given']",
        "(folder / 'new').write_text('x')",
        "(folder / 'inner').mkdir(); (folder / 'inner' / 'x').write_text('x')",
        "(folder / 'inner' / 'x').unlink(); (folder / 'inner').rmdir()",
        "threading.Thread(target=print).start()",
        "assert not os.environ.get('HOME')",
    )
    assert set(said.values()) == {"done"}, said


def test_it_reaches_nothing_else(grounds: Grounds) -> None:
    said = grounds.attempt(
        *AT_FILES,
        *AT_OTHERS,
        "Path('/proc/1/environ').read_bytes()",
        "subprocess.run(['/usr/bin/true'])",
    )
    assert set(said.values()) == {"PermissionError"}, said
    assert grounds.secret.read_text() == "key"


def test_nothing_that_it_makes_can_be_executed(grounds: Grounds) -> None:
    said = grounds.attempt(
        "(folder / 'own').write_bytes(Path('/usr/bin/true').read_bytes()); (folder / 'own').chmod(0o700)",
        "os.execv(folder / 'own', ['own'])",
    )
    assert list(said.values()) == ["done", "PermissionError"], said


def test_root_is_not_above_the_permissions_of_files(grounds: Grounds) -> None:
    (grounds.readable / "given").chmod(0)
    assert set(grounds.attempt("(readable / 'given').read_text()").values()) == {"PermissionError"}


def test_with_sockets_of_this_machine_it_has_none_of_a_network(grounds: Grounds) -> None:
    grounds.terms = replace(grounds.terms, sockets=True)
    said = grounds.attempt(
        "socket.socket(socket.AF_UNIX).bind('own')",
        "socket.socket(socket.AF_INET)",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    )
    assert list(said.values()) == ["done", *["PermissionError"] * 3], said


def test_its_memory_and_its_files_are_limited(grounds: Grounds) -> None:
    said = grounds.attempt(
        "bytearray(1 << 30)", "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)", "Path('big').write_bytes(bytes(2 << 20))"
    )
    assert list(said.values()) == ["MemoryError", "done", "OSError"], said


def test_its_processor_time_is_limited(grounds: Grounds) -> None:
    grounds.terms = replace(grounds.terms, seconds=1)
    ended = grounds.run(PYTHON, "-c", "while True: pass")
    assert (ended.code, ended.signal) == (-9, "SIGKILL")


def test_what_does_not_end_is_killed(grounds: Grounds) -> None:
    assert grounds.run(Path("/usr/bin/sleep"), "1000", seconds=0.5) == Ended(None, "", "")
    assert [each for each in psutil.Process().children(recursive=True) if each.name() == "sleep"] == []


def test_what_it_says_is_kept_up_to_a_bound(grounds: Grounds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MOST_SAID", 1000)
    ended = grounds.run(PYTHON, "-c", "print('x' * 1_000_000)")
    assert (ended.code, ended.output) == (0, "x" * 1000)


def test_a_program_that_is_not_there_ends_as_a_failure(grounds: Grounds) -> None:
    assert grounds.run(grounds.folder / "nothing").code == 1
