"""What children answer, taken from processes that may be in an enemy's hands: nothing is believed unchecked."""

import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

import msgspec
from msgspec import Meta

from sigreq.domain.examination import Identity
from sigreq.domain.faults import Fault
from sigreq.domain.limits import UnpackLimits
from sigreq.domain.printable import printable
from sigreq.domain.verdict import Outcome, ScanResult

ENGINE = f"YARA {version('yara-python')}"
NAME_LENGTH = 255

_MAX_FAULTS = 20
_TEXT_LENGTH = 300
_MAX_ENTRIES = 200
_MAX_NESTING = 6
_EXECUTABLE_BYTES = 64 << 10

T = TypeVar("T")

Faults = Annotated[list[Fault], Meta(max_length=_MAX_FAULTS)]
Whole = Annotated[int, Meta(ge=0, le=1 << 62)]
Text = Annotated[str, Meta(max_length=4096)]
Word = Annotated[str, Meta(max_length=200)]
RuleName = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Tlsh = Annotated[str, Meta(pattern="^T1[0-9A-F]{70}$")]


class Reply(msgspec.Struct, forbid_unknown_fields=True):
    """What an answer looks like; nothing else may be in it."""


class _MemberReply(Reply):
    number: Annotated[int, Meta(ge=1)]
    parent: Whole
    name: Text
    size: Whole | None
    faults: Faults


class _UnpackReply(Reply):
    faults: Faults
    members: list[_MemberReply]


class IdentityReply(Reply):
    """What a file is, as a child tells it."""

    mime: Text | None
    description: Text | None
    tlsh: Tlsh | None
    executable: dict[str, Any] | None
    fault: Fault | None


class _StringReply(Reply):
    identifier: Word
    offsets: Annotated[list[Whole], Meta(max_length=8)]
    lengths: Annotated[list[Whole], Meta(max_length=8)]


class _HitReply(Reply):
    rule: RuleName
    tags: Annotated[list[Word], Meta(max_length=10)]
    meta: Annotated[dict[Word, Word | int | bool], Meta(max_length=20)]
    strings: Annotated[list[_StringReply], Meta(max_length=16)]


class ScanReply(Reply):
    """What one scan found, as a child tells it."""

    detections: Annotated[list[RuleName], Meta(max_length=50)]
    hits: Annotated[list[_HitReply], Meta(max_length=50)]
    reason: Fault | None
    seconds: Annotated[float, Meta(ge=0, le=1e6)]


class _CompileReply(Reply):
    fault: Fault | None


class _KnowsReply(Reply):
    is_known: bool


class _Layers(Reply):
    landlock: Whole
    seccomp: bool


class _Libraries(Reply):
    libmagic: bool
    libarchive: bool
    libseccomp: bool


class _Hello(Reply):
    layers: _Layers
    libraries: _Libraries


@dataclass(frozen=True)
class Capabilities:
    """What keeps samples in on this machine, and which libraries look at them. `landlock` is its version, 0 is none."""

    landlock: int
    seccomp: bool
    libmagic: bool
    libarchive: bool
    libseccomp: bool


@dataclass(frozen=True)
class Member:
    """One file found in a sample. `parent` is a member's number, 0 for the sample itself; `name` is only data."""

    number: int
    parent: int
    name: str
    size: int | None
    faults: tuple[Fault, ...]
    path: Path | None
    """Where its content lies until the place is left; None when it could not be had."""

    def open(self) -> BinaryIO:
        """The content, for reading; certainly a plain file. Raises OSError when it is gone or has become another."""
        return opened(self.path or Path())


@dataclass(frozen=True)
class Unpacked:
    """What a sample holds, at all depths, and what kept us from seeing more."""

    faults: tuple[Fault, ...] = ()
    members: tuple[Member, ...] = ()


def opened(path: Path) -> BinaryIO:
    """Open a plain file that a child could have made: no link is followed, no pipe waited for. Raises OSError."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if _is_plain(os.fstat(file.fileno())):
        return file
    file.close()
    raise OSError(f"{path.name} is no plain file")


def capabilities(reply: bytes) -> Capabilities:
    """What a child says of itself when it starts. Raises ValueError."""
    hello = decoded(reply, _Hello)
    return Capabilities(
        hello.layers.landlock,
        hello.layers.seccomp,
        hello.libraries.libmagic,
        hello.libraries.libarchive,
        hello.libraries.libseccomp,
    )


def unpacked(reply: bytes, folder: Path, limits: UnpackLimits) -> Unpacked:
    """The members by number, each with a plain file of its size in `folder`. Raises ValueError."""
    answer = decoded(reply, _UnpackReply)
    if len(answer.members) > limits.members or sum(each.size or 0 for each in answer.members) > limits.total_bytes:
        raise ValueError("more than was asked for")
    numbers = [each.number for each in answer.members]
    known = {0, *numbers}
    if len(known) <= len(numbers) or not all(each.parent in known for each in answer.members):
        raise ValueError("numbers that do not fit")
    in_order = sorted(answer.members, key=lambda each: each.number)
    return Unpacked(_once(answer.faults), tuple(_member(each, folder) for each in in_order))


def _member(reply: _MemberReply, folder: Path) -> Member:
    if reply.parent >= reply.number:
        raise ValueError("a member before its archive")
    path = None if reply.size is None else folder / f"member-{reply.number}"
    if path is not None and _plain_size(path) != reply.size:
        raise ValueError("another size than announced")
    name = printable(valid_text(reply.name))[:NAME_LENGTH]
    return Member(reply.number, reply.parent, name, reply.size, _once(reply.faults), path)


def identity(reply: bytes) -> Identity:
    """What a file is, in texts and numbers that a database keeps. Raises ValueError."""
    return to_identity(decoded(reply, IdentityReply))


def to_identity(answer: IdentityReply) -> Identity:
    """The same, of what has been decoded. Raises ValueError."""
    mime, description = (each and valid_text(each)[:_TEXT_LENGTH] for each in (answer.mime, answer.description))
    return Identity(mime, description, answer.tlsh, _executable(answer.executable), answer.fault)


def _executable(said: dict[str, Any] | None) -> Mapping[str, Any] | None:
    if said is None:
        return None
    if len(json.dumps(said)) > _EXECUTABLE_BYTES:
        raise ValueError("too much about a program")
    found: Mapping[str, Any] = _plain(said)
    return found


def _plain(value: Any, nesting: int = 0) -> Any:
    """Only what JSON columns can keep, and not more of it than anybody wants to read."""
    if nesting > _MAX_NESTING or (isinstance(value, list | dict) and len(value) > _MAX_ENTRIES):
        raise ValueError("too deep or too long")
    if isinstance(value, str):
        return valid_text(value)[:_TEXT_LENGTH]
    if isinstance(value, dict):
        return {valid_text(name)[:_TEXT_LENGTH]: _plain(each, nesting + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, nesting + 1) for each in value]
    if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < 1 << 64):
        raise ValueError("a number out of bounds")
    return value


def scan_result(reply: bytes) -> ScanResult:
    """What fired. A hit outweighs what could not be looked at. Raises ValueError."""
    return to_scan_result(decoded(reply, ScanReply))


def to_scan_result(answer: ScanReply) -> ScanResult:
    """The same, of what has been decoded. Raises ValueError."""
    if answer.detections != sorted({each.rule for each in answer.hits}):
        raise ValueError("hits of other rules than the detections")
    hits = tuple(_plain(msgspec.to_builtins(each)) for each in answer.hits)
    if answer.detections:
        return ScanResult(Outcome.DETECTED, tuple(answer.detections), None, hits, answer.seconds, ENGINE)
    outcome = Outcome.NOT_SCANNED if answer.reason else Outcome.CLEAN
    return ScanResult(outcome, (), answer.reason, (), answer.seconds, ENGINE)


def compile_fault(reply: bytes, compiled: Path) -> Fault | None:
    """Why rules did not compile; when they did, `compiled` is a plain file. Raises ValueError."""
    fault = decoded(reply, _CompileReply).fault
    if fault is None:
        _plain_size(compiled)
    return fault


def is_known(reply: bytes) -> bool:
    """Whether rules know a name. Raises ValueError."""
    return decoded(reply, _KnowsReply).is_known


def valid_text(said: str) -> str:
    """The same without what PostgreSQL refuses: NUL and halves of surrogate pairs are shown as question marks."""
    return said.replace("\0", "?").encode(errors="replace").decode()


def _plain_size(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError as error:
        raise ValueError("a file that is not there") from error
    if not _is_plain(found):
        raise ValueError("no plain file")
    return found.st_size


def decoded(reply: bytes, shape: type[T]) -> T:
    """The answer, of this shape. Raises ValueError."""
    return msgspec.json.decode(reply, type=shape)


def _once(faults: list[Fault]) -> tuple[Fault, ...]:
    return tuple(dict.fromkeys(faults))


def _is_plain(found: os.stat_result) -> bool:
    """A second name could be that of a file elsewhere."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1
