"""Where the content of archives goes: into private files with numbers for names, counted against the limits."""

import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from sigreq.domain.faults import Fault
from sigreq.domain.limits import UnpackLimits

CHUNK = 64 << 10

_NAME_LENGTH = 255
# However well it is packed: a small file of equal lines is no bomb.
_HARMLESS_BYTES = 1 << 20
# As long as a path may be; what is longer is no link's target, whatever its entry calls itself.
_TARGET_LENGTH = 4096


class LimitReachedError(Exception):
    """No more is read out of this archive."""


class OutOfTimeError(LimitReachedError):
    """The time for the whole sample is up."""


class DamagedError(Exception):
    """The archive is not what it says of itself."""


class UnsupportedError(Exception):
    """Packed in a way that we cannot unpack."""


class LockedError(Exception):
    """No password opens it."""


class MissingLibraryError(Exception):
    """A system library is not installed."""


class WriteFailedError(Exception):
    """Our own writing failed: nothing that could be blamed on the archive. The cause is an OSError."""


class _MemberTooLargeError(Exception):
    pass


# These say nothing of the one thing being read, so whoever reads it has to let them pass.
PASSING = (LimitReachedError, WriteFailedError)

_FAULTS: tuple[tuple[type[Exception], Fault], ...] = (
    (OutOfTimeError, Fault.TIMEOUT),
    (LimitReachedError, Fault.ARCHIVE_LIMIT),
    (_MemberTooLargeError, Fault.ARCHIVE_LIMIT),
    (LockedError, Fault.ARCHIVE_ENCRYPTED),
    (UnsupportedError, Fault.ARCHIVE_UNSUPPORTED),
    (NotImplementedError, Fault.ARCHIVE_UNSUPPORTED),
    (MissingLibraryError, Fault.LIBRARY_MISSING),
    (MemoryError, Fault.OUT_OF_MEMORY),
)


def fault_of(error: Exception) -> Fault:
    """What a library's complaint means. Damage makes them raise nearly anything."""
    return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), Fault.ARCHIVE_BROKEN)


@dataclass
class Node:
    """The sample (number 0) or one thing found in it. Without a size no content could be had."""

    number: int
    parent: int
    name: str
    size: int | None = None
    faults: list[Fault] = field(default_factory=list)

    def blame(self, fault: Fault) -> None:
        """Note the fault, once."""
        if fault not in self.faults:
            self.faults.append(fault)


class Room:
    """How many bytes may still be unpacked: here, and in all that it stands in."""

    def __init__(self, size: int, outer: "Room | None" = None) -> None:
        """`size` in bytes."""
        self._left = size
        self._outer = outer

    def take(self, size: int) -> None:
        """Raise LimitReachedError when that was more than was left."""
        self._left -= size
        if self._outer:
            self._outer.take(size)
        if self._left < 0:
            raise LimitReachedError


class Run:
    """The unpacking of one sample."""

    def __init__(self, folder: Path, limits: UnpackLimits, passwords: Sequence[str]) -> None:
        """Members are written into `folder` and nowhere else. The clock starts now."""
        self.folder = folder
        self.limits = limits
        self.nodes = [Node(0, 0, "")]
        self.passwords = list(dict.fromkeys(passwords))
        self.room = Room(limits.total_bytes)
        self._entries = 0
        self._deadline = time.monotonic() + limits.seconds

    def path(self, node: Node) -> Path:
        """Where the node's content lies."""
        return self.folder / f"member-{node.number}"

    def check_time(self) -> None:
        """Raise OutOfTimeError when the time is up."""
        if time.monotonic() > self._deadline:
            raise OutOfTimeError

    def count(self) -> None:
        """Count one entry of an archive, listed or not. Raises LimitReachedError."""
        self.check_time()
        self._entries += 1
        if self._entries > self.limits.members:
            raise LimitReachedError

    @property
    def entries_left(self) -> int:
        """How many entries may still be counted."""
        return max(0, self.limits.members - self._entries)


class Archive:
    """One archive while it is read."""

    def __init__(self, run: Run, node: Node, path: Path, depth: int = 1, outer: Room | None = None) -> None:
        """`depth` is 1 for the sample. What it gives also counts against the room of the archive it was found in."""
        self.run = run
        self.node = node
        self.path = path
        self.depth = depth
        allowed = max(_HARMLESS_BYTES, run.limits.ratio * path.stat().st_size)
        self.room = Room(allowed, outer or run.room)

    def passwords(self) -> Iterator[str]:
        """Those to try, in their order, until the time is up; one that opened something comes first afterwards."""
        for password in list(self.run.passwords):
            self.run.check_time()
            yield password

    def opened_by(self, password: str) -> None:
        """Prefer this password from now on."""
        self.run.passwords.remove(password)
        self.run.passwords.insert(0, password)

    def list(self, name: str | bytes) -> Node:
        """List one member, counted. Raises LimitReachedError."""
        self.run.count()
        node = Node(len(self.run.nodes), self.node.number, _text(name))
        self.run.nodes.append(node)
        return node

    def discard(self, chunks: Iterable[bytes]) -> int:
        """Read what is not wanted, to get at what stands behind it, and count it: it costs as much. Its size."""
        size = 0
        for chunk in chunks:
            self._charge(len(chunk))
            size += len(chunk)
        return size

    def save(self, node: Node, chunks: Iterator[bytes], announced: int | None = None, *, is_link: bool = False) -> None:
        """Write a member's content. What comes before a damage is kept, with a fault; beyond a limit nothing is.

        A link whose content reads like a path is not kept: others are only called links. Raises LimitReachedError.
        """
        try:
            size = self._write(node, chunks)
        except _MemberTooLargeError:
            self._drop(node, Fault.ARCHIVE_LIMIT)
        except LimitReachedError as error:
            self._drop(node, fault_of(error))
            raise
        except WriteFailedError:
            raise
        except Exception as error:  # noqa: BLE001 - damage makes libraries raise nearly anything
            self._keep_rest(node, fault_of(error))
        else:
            node.size = size
            if is_link and _is_target(self.run.path(node)):
                self._drop(node, Fault.LINK_SKIPPED)
            elif announced is not None and size != announced:
                node.blame(Fault.ARCHIVE_BROKEN)

    def save_verified(self, node: Node, chunks: Iterator[bytes], announced: int, *, is_link: bool = False) -> None:
        """Write a member's content only when all of it could be read; otherwise remove it and pass the error on."""
        failure: Exception | None = None

        def watched() -> Iterator[bytes]:
            nonlocal failure
            try:
                yield from chunks
            except Exception as error:
                failure = error
                raise

        self.save(node, watched(), announced, is_link=is_link)
        if failure is not None:
            node.faults.clear()
            if node.size is not None:
                self._remove(node)
            raise failure

    def _write(self, node: Node, chunks: Iterator[bytes]) -> int:
        size = 0
        with _created(self.run.path(node)) as file:
            for chunk in chunks:
                size += len(chunk)
                self._charge(len(chunk))
                if size > self.run.limits.member_bytes:
                    raise _MemberTooLargeError
                _write_all(file, chunk)
        return size

    def _charge(self, size: int) -> None:
        self.run.check_time()
        self.room.take(size)

    def _keep_rest(self, node: Node, fault: Fault) -> None:
        node.blame(fault)
        node.size = self.run.path(node).stat().st_size
        if not node.size or fault is not Fault.ARCHIVE_BROKEN:
            self._remove(node)

    def _drop(self, node: Node, fault: Fault) -> None:
        node.blame(fault)
        self._remove(node)

    def _remove(self, node: Node) -> None:
        node.size = None
        self.run.path(node).unlink(missing_ok=True)


@contextmanager
def _created(path: Path) -> Iterator[FileIO]:
    """A new file for our eyes only: members are live malware. Raises WriteFailedError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        raise WriteFailedError from error
    with FileIO(descriptor, "wb") as file:
        yield file


def _write_all(file: FileIO, chunk: bytes) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise WriteFailedError from error


def _is_target(path: Path) -> bool:
    with path.open("rb") as file:
        content = file.read(_TARGET_LENGTH + 1)
    return len(content) <= _TARGET_LENGTH and all(byte >= ord(" ") for byte in content)


def _text(name: str | bytes) -> str:
    """A name that JSON and PostgreSQL take, cut to a bearable length."""
    if isinstance(name, bytes):
        name = name[: 4 * _NAME_LENGTH].decode(errors="replace")
    valid = name[:_NAME_LENGTH].encode(errors="replace").decode()
    return valid.replace("\0", "\N{REPLACEMENT CHARACTER}")
