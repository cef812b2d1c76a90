"""What a locked-in process tries, and the grounds it tries it on: for our children and for programs of others."""

import json
from collections.abc import Sequence
from pathlib import Path

# What each attempt has at hand.
START = """
import ctypes, fcntl, json, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
folder, secret, readable = map(Path, sys.argv[1:])
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
"""
_ATTEMPTS = """
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
AT_FILES = (
    "secret.read_text()",
    "secret.write_text('x')",
    "secret.unlink()",
    "os.listdir(folder.parent)",
    "Path('/etc/passwd').read_text()",
    "(readable / 'given').write_text('x')",
    "(readable / 'given').unlink()",
    "(readable / 'new').write_text('x')",
    "os.symlink(secret, folder / 'new')",
    "os.link(secret, folder / 'new')",
    "os.mkfifo(folder / 'new')",
    "os.memfd_create('x')",
)
AT_OTHERS = (
    "socket.socket()",
    "socket.socket(socket.AF_UNIX)",
    "socket.socketpair()",
    "os.fork()",
    "os.execv('/usr/bin/true', ['true'])",
    "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "call('ptrace', 16, os.getppid(), 0, 0)",
    "call('unshare', 0x10000000)",
    "call('mount', b'none', b'/', b'tmpfs', 0, 0)",
    "call('syscall', 425, 1, ctypes.byref(ctypes.create_string_buffer(120)))",
)


class Places:
    """A folder of the process's own, a folder that it may read, and a secret beside them."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.readable, self.secret = tmp_path / "folder", tmp_path / "readable", tmp_path / "secret"
        self.folder.mkdir()
        self.readable.mkdir()
        (self.readable / "given").write_text("given")
        self.secret.write_text("key")

    @property
    def arguments(self) -> list[str]:
        """What `START` reads them from."""
        return [str(self.folder), str(self.secret), str(self.readable)]


def code_of(attempts: Sequence[str]) -> str:
    """The code by which one process makes all attempts, and prints what became of each."""
    return _ATTEMPTS % json.dumps(attempts)


def became(output: str, attempts: Sequence[str]) -> dict[str, str]:
    """What it printed: `done`, or the name of the error."""
    said: dict[str, str] = json.loads(output.splitlines()[-1])
    assert len(said) == len(attempts)
    return said
