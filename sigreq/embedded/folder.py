"""The data folder of the local servers: one owner at a time, closed to everybody else."""

import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from sigreq.embedded.process import EmbeddedError, write_private

# The kernel's limit for a socket's path is 108 bytes on Linux and 104 elsewhere; the longest name is .s.PGSQL.5432.
_LONGEST_SOCKET_FOLDER = 80
_SECRETS = (
    "postgres_owner",
    "postgres_app",
    "redis",
    "samples_access_key",
    "samples_secret_key",
    "bundles_access_key",
    "bundles_secret_key",
    "volume_write",
    "volume_read",
    "filer_write",
    "filer_read",
    "signing",
)


class Folder:
    """A data folder in use by this process, from construction until `release`.

    EmbeddedError: another process has it, it holds foreign files, or its sockets cannot be kept from other users.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock = _take(self.path)
        try:
            self.secrets = _secrets(self.path)
            self.sockets = _socket_folder(self.path)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def run(self) -> Path:
        """Where the identities of the running servers are kept."""
        return self.path / "run"

    def log(self, name: str) -> Path:
        """The log of one server."""
        return self.path / "logs" / f"{name}.log"

    def release(self) -> None:
        """Let the next owner in; the servers must be gone."""
        for socket in self.sockets.iterdir():
            socket.unlink()
        self.sockets.rmdir()
        os.close(self._lock)


def _take(path: Path) -> int:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Closing the folder to others, below, must not hit a home directory that was named by mistake.
    if any(path.iterdir()) and not (path / "lock").exists():
        message = f"{path} is not empty and was not made by sigreq: name a new or an empty folder"
        raise EmbeddedError(message)
    path.chmod(0o700)
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode() or "unknown"
        os.close(lock)
        message = f"{path} is in use by process {holder}: stop that one first, or name another folder"
        raise EmbeddedError(message) from None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _secrets(path: Path) -> dict[str, str]:
    file = path / "secrets.json"
    if file.exists():
        kept: dict[str, str] = json.loads(file.read_text())
        if missing := [name for name in _SECRETS if name not in kept]:  # the folder is of an earlier version
            kept |= {name: secrets.token_hex(20) for name in missing}
            write_private(file, json.dumps(kept))
        return kept
    if (path / "postgres").exists():
        message = f"{file} is gone, and the data beside it cannot be used without it: put it back or name a new folder"
        raise EmbeddedError(message)
    # Hexadecimal, so that a secret stands in a URL, an SQL string and a configuration file as it is.
    made = {name: secrets.token_hex(20) for name in _SECRETS}
    write_private(file, json.dumps(made))
    return made


def _socket_folder(path: Path) -> Path:
    base = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if not (base.is_absolute() and base.is_dir()):
        base = Path(tempfile.gettempdir())
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    folder = base / f"sigreq-{os.getuid()}-{name}"
    if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER:
        message = f"{folder} is too long for a socket: set TMPDIR to a shorter path"
        raise EmbeddedError(message)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    closed = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
    if not closed or found.st_uid != os.getuid():
        message = f"{folder} is not a folder that only you can enter: remove it"
        raise EmbeddedError(message)
    return folder


def wheel_file(distribution: str, ending: str) -> Path:
    """A program out of an installed wheel; EmbeddedError when the wheel is not installed."""
    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files(distribution) or ():
            if str(file).endswith(ending):
                return Path(str(file.locate())).resolve()
    message = f"{distribution} is not installed: install sigreq[local], or configure a server of your own"
    raise EmbeddedError(message)
