"""What a program of somebody else's can do, once it is locked in, and what it cannot."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sigreq.scanning import programs
from sigreq.scanning.programs import Ended, Terms

PYTHON = Path("/usr/bin/python3")
ATTEMPTS = """
import ctypes, json, os, resource, signal, socket, subprocess, threading
from pathlib import Path
readable, folder, secret = map(Path, %r)
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
said = {}
for attempt in json.loads(%r):
    try:
        exec(attempt)
    except Exception as error:
        said[attempt] = type(error).__name__
    else:
        said[attempt] = "done"
print(json.dumps(said))
"""


class Grounds:
    """A folder to read, one to write, a secret beside them, and what a program may do with them."""

    def __init__(self, tmp_path: Path) -> None:
        self.readable, self.writable = tmp_path / "readable", tmp_path / "writable"
        self.secret = tmp_path / "secret"
        self.readable.mkdir()
        self.writable.mkdir()
        self.secret.write_text("key")
        (self.readable / "sample").write_text("sample")
        self.terms = Terms((str(self.readable),), str(self.writable), 1 << 30, 1 << 20, 64, 30, 0, sockets=False)

    def run(self, program: Path, *arguments: str, seconds: float = 60) -> Ended:
        return asyncio.run(programs.run(self.terms, program, arguments, self.writable, seconds))

    def attempt(self, *attempts: str) -> dict[str, str]:
        places = [str(each) for each in (self.readable, self.writable, self.secret)]
        ended = self.run(PYTHON, "-c", ATTEMPTS % (places, json.dumps(attempts)))
        assert ended.code == 0, ended
        said: dict[str, str] = json.loads(ended.output)
        assert len(said) == len(attempts)
        return said


@pytest.fixture
def grounds(tmp_path: Path) -> Grounds:
    return Grounds(tmp_path)


def test_it_reads_what_it_is_given_and_writes_its_folder(grounds: Grounds) -> None:
    said = grounds.attempt(
        "assert (readable / 'sample').read_text() == 'sample'",
        "assert os.listdir(readable) == ['sample']",
        "(folder / 'new').write_text('x')",
        "(folder / 'inner').mkdir(); (folder / 'inner' / 'x').write_text('x')",
        "(folder / 'inner' / 'x').unlink(); (folder / 'inner').rmdir()",
        "threading.Thread(target=print).start()",
        "assert not os.environ.get('HOME')",
    )
    assert set(said.values()) == {"done"}, said


def test_it_reaches_nothing_else(grounds: Grounds) -> None:
    said = grounds.attempt(
        "secret.read_text()",
        "secret.write_text('x')",
        "secret.unlink()",
        "os.listdir(folder.parent)",
        "Path('/etc/passwd').read_text()",
        "Path('/proc/1/environ').read_bytes()",
        "(readable / 'sample').write_text('x')",
        "(readable / 'sample').unlink()",
        "(readable / 'new').write_text('x')",
        "os.symlink(secret, folder / 'link')",
        "os.link(secret, folder / 'link')",
        "os.mkfifo(folder / 'fifo')",
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "subprocess.run(['/usr/bin/true'])",
        "os.fork()",
        "os.execv('/usr/bin/true', ['true'])",
        "os.memfd_create('x')",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "call('ptrace', 16, os.getppid(), 0, 0)",
        "call('unshare', 0x10000000)",
        "call('mount', b'none', b'/', b'tmpfs', 0, 0)",
        "call('syscall', 425, 1, ctypes.byref(ctypes.create_string_buffer(120)))",
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
    (grounds.readable / "sample").chmod(0)
    assert set(grounds.attempt("(readable / 'sample').read_text()").values()) == {"PermissionError"}


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
    assert grounds.run(grounds.writable / "nothing").code == 1
