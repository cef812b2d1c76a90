"""What a locked-down process can still do, and what it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scanning.attempts import AT_FILES, AT_OTHERS, START, Places, became, code_of

ROOT = Path(__file__).parents[2]

# Before the lock, as the scanner's children do it.
IMPORT = "import pyseccomp\nfrom sigreq.scanning import sandbox\n"
LOCK = "layers = sandbox.lock_down(folder, [str(readable)], 1 << 20)\n"
# The process that forks is let into more than the child: everything beside its folder.
LOCK_SERVER = "sandbox.lock_down_server(folder.parent, [str(readable)], 1 << 20)\n"
FORK = f"""
{LOCK_SERVER}
assert secret.read_text() == "key"
if pid := os.fork():
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


class Grounds(Places):
    """Those places, with a file in its own folder, and a child that locks itself in."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        (self.folder / "own").write_text("own")

    def process(self, code: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-I", "-c", START + IMPORT + code, *self.arguments]
        return subprocess.run(arguments, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60)

    def run(self, code: str, lock: str = LOCK) -> str:
        done = self.process(lock + code)
        return f"{done.stdout}{done.stderr.splitlines()[-1] if done.stderr else ''}" or str(done.returncode)

    def attempt(self, *attempts: str, lock: str = LOCK) -> dict[str, str]:
        return became(self.run(code_of(attempts), lock), attempts)


@pytest.fixture
def grounds(tmp_path: Path) -> Grounds:
    return Grounds(tmp_path)


def test_the_layers_of_this_machine_are_all_in_force(grounds: Grounds) -> None:
    assert grounds.run("print(layers['landlock'] >= 1, layers['seccomp'])") == "True True\n"


def test_it_can_do_its_work(grounds: Grounds) -> None:
    said = grounds.attempt(
        "print((folder / 'own').read_text())",
        "print((readable / 'given').read_text())",
        "print(len(os.listdir(folder)))",
        "(folder / 'new').write_text('x'); (folder / 'new').unlink(); print('made')",
        "(folder / 'own').write_text('x'); print('changed')",
        "print(len(Path(sandbox.__file__).read_bytes()))",
        "import lief; print(lief.__version__)",
        "print(b'x'.decode('cp1252'), len(os.urandom(8)))",
        "(folder / 'big').write_bytes(bytes(1 << 20)); print('fits')",
    )
    assert set(said.values()) == {"done"}, said


def test_it_reaches_no_file_elsewhere(grounds: Grounds) -> None:
    said = grounds.attempt(
        *AT_FILES,
        f"Path({str(ROOT / 'pyproject.toml')!r}).read_text()",
        "Path('/proc/self/environ').read_text()",
        "Path('/proc/1/cmdline').read_text()",
        "os.listdir(readable)",
        "os.truncate(secret, 0)",
        "(folder.parent / 'new').write_text('x')",
        "Path('/dev/shm/new').write_text('x')",
    )
    assert set(said.values()) == {"PermissionError"}, said
    assert grounds.secret.read_text() == "key"
    assert [path.name for path in grounds.folder.iterdir()] == ["own"]


def test_it_makes_nothing_but_plain_files(grounds: Grounds) -> None:
    said = grounds.attempt(
        "os.mkdir('new')",
        "os.link('own', 'new')",
        "os.mknod('new', 0o140600)",
        "os.rename('own', '../new')",
        "os.chmod('own', 0o700)",
        "os.fchmod(os.open('own', os.O_RDWR), 0o700)",
        "os.chown('own', 1, 1)",
        "os.setxattr('own', 'user.x', b'x')",
    )
    assert set(said.values()) == {"PermissionError"}, said
    assert [path.name for path in grounds.folder.iterdir()] == ["own"]
    assert not (grounds.folder / "own").stat().st_mode & 0o111


def test_no_file_it_makes_is_executable(grounds: Grounds) -> None:
    assert (
        grounds.run("libc.umask(0); os.close(os.open('new', os.O_CREAT | os.O_WRONLY, 0o777)); print('made')")
        == "made\n"
    )
    assert (grounds.folder / "new").stat().st_mode & 0o777 == 0o600


def test_it_starts_reaches_and_traces_nothing(grounds: Grounds) -> None:
    said = grounds.attempt(
        *AT_OTHERS,
        "os.posix_spawn('/usr/bin/true', ['true'], {})",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.kill(os.getppid(), 0)",
        "os.kill(-1, 0)",
        "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)",
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))",
        "os.setuid(1)",
        "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
        "fcntl.fcntl(0, fcntl.F_SETFL, os.O_ASYNC)",
        "os.chroot(folder)",
        "call('ptrace', 0, 0, 0, 0)",
        "call('prctl', 38, 0, 0, 0, 0)",
        "call('syscall', 321, 0, 0, 0)",
        "call('syscall', 250, 0, 0, 0)",
    )
    assert set(said.values()) == {"PermissionError"}, said


def test_a_forked_one_is_locked_in_alike(grounds: Grounds) -> None:
    said = grounds.attempt(
        *AT_FILES,
        *AT_OTHERS,
        "os.kill(os.getppid(), signal.SIGKILL)",
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))",
        "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
        "call('prctl', 38, 0, 0, 0, 0)",
        "os.setsid()",
        "os.waitpid(-1, 0)",
        lock=FORK + LOCK,
    )
    assert set(said.values()) == {"PermissionError"}, said
    assert grounds.run("print(layers['landlock'] >= 1, layers['seccomp'])", FORK + LOCK) == "True True\n"


def test_who_forks_starts_and_reaches_nothing_else(grounds: Grounds) -> None:
    said = grounds.attempt(*(each for each in AT_OTHERS if each != "os.fork()"), lock=LOCK_SERVER)
    assert set(said.values()) == {"PermissionError"}, said


def test_it_starts_no_thread(grounds: Grounds) -> None:
    assert "can't start new thread" in grounds.run("threading.Thread(target=print).start()")


def test_its_memory_is_limited(grounds: Grounds) -> None:
    assert "MemoryError" in grounds.run("bytearray(sandbox.ADDRESS_SPACE)")


def test_its_files_are_limited_in_size(grounds: Grounds) -> None:
    assert "File too large" in grounds.run("(folder / 'big').write_bytes(bytes((1 << 20) + 1))")


def test_its_open_files_are_limited(grounds: Grounds) -> None:
    code = "kept = [os.open('own', os.O_RDONLY) for _ in range(sandbox.OPEN_FILES)]"
    assert "Too many open files" in grounds.run(code)


def test_it_cannot_raise_its_limits(grounds: Grounds) -> None:
    limits = ("AS", "FSIZE", "NOFILE", "CORE", "NPROC")
    said = grounds.attempt(*(f"resource.setrlimit(resource.RLIMIT_{each}, (1 << 40, 1 << 40))" for each in limits))
    assert set(said.values()) == {"ValueError"}, said


def test_its_processor_time_is_limited_for_each_ask_anew(grounds: Grounds) -> None:
    code = """
import time
for seconds in (0, 0):
    sandbox.allow_processor(seconds)
    started = time.process_time()
    while time.process_time() - started < 0.3: pass
print("worked", flush=True)
sandbox.allow_processor(0)
while True: pass
"""
    done = grounds.process(LOCK + code)
    assert done.stdout == "worked\n"
    assert done.returncode == -24  # SIGXCPU


WITHOUT_LANDLOCK = "sandbox._libc = type('', (), {'__getattr__': lambda _, name: (lambda *a: -1) if name == 'syscall' "
WITHOUT_LANDLOCK += "else getattr(libc, name)})()\n"
WITHOUT_SECCOMP = "from sigreq.scanning import system_calls; system_calls.pyseccomp = None\n"


@pytest.mark.parametrize(
    ("absent", "layers"),
    [
        (WITHOUT_LANDLOCK, "0 True"),
        (WITHOUT_LANDLOCK + WITHOUT_SECCOMP, "0 False"),
    ],
)
def test_where_a_layer_is_absent_the_others_hold_and_it_says_so(grounds: Grounds, absent: str, layers: str) -> None:
    say = "print(layers['landlock'], layers['seccomp'])\n"
    assert grounds.run(say, absent + LOCK) == layers + "\n"
    assert "File too large" in grounds.run("(folder / 'big').write_bytes(bytes(2 << 20))", absent + LOCK)


def test_without_a_filter_for_system_calls_landlock_still_guards_files(grounds: Grounds) -> None:
    attempts = ("secret.read_text()", "secret.write_text('x')", "os.mkdir('new')", "os.symlink(secret, 'new')")
    said = grounds.attempt(*attempts, lock=WITHOUT_SECCOMP + LOCK)
    assert set(said.values()) == {"PermissionError"}, said
