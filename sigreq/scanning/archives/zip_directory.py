"""The central directory of a zip file: what it says that the file holds."""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from sigreq.scanning.archives.extraction import DamagedError

_END = struct.Struct("<10xHLL2x")
_END_MAGIC = b"PK\x05\x06"
# The zip64 record and its locator stand between the directory and the end record.
_END64 = struct.Struct("<32xQQQ")
_END64_MAGIC, _LOCATOR_MAGIC, _LOCATOR_SIZE = b"PK\x06\x06", b"PK\x06\x07", 20
_BEFORE_END = _END64.size + _LOCATOR_SIZE
_COMMENT_LENGTH = 1 << 16
# A comment may quote end records; nobody honest quotes many.
_TRIED_ENDS = 16

_ENTRY = struct.Struct("<5xB2x3H2xLLL3H4xLL")
_ENTRY_MAGIC = b"PK\x01\x02"
_EXTRA = struct.Struct("<2H")
_AES = struct.Struct("<H2xBH")
_ZIP64_ID, _AES_ID = 0x0001, 0x9901
_AES_METHOD, _AES_STRENGTHS, _AES_WITHOUT_CHECKSUM = 99, (1, 2, 3), 2
_ENCRYPTED = 1
_FULL = 0xFFFFFFFF
_UNIX = 3
_SPECIAL = frozenset({stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK})


class AES(NamedTuple):
    """How a member is encrypted, and what method its content is packed with inside."""

    has_no_checksum: bool
    strength: int
    method: int


@dataclass(frozen=True)
class Entry:
    """One member. `position` is where its local header should stand; sizes are in bytes, and may be lies."""

    name: bytes
    encoding: str
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    position: int
    time: int
    is_special: bool
    aes: AES | None

    @property
    def is_encrypted(self) -> bool:
        """Whether it needs a password."""
        return bool(self.flags & _ENCRYPTED)

    @property
    def is_folder(self) -> bool:
        """Whether it calls itself a folder."""
        return self.name.endswith(b"/")

    @property
    def text(self) -> str:
        """The name, in the encoding that its flags say."""
        return self.name.decode(self.encoding, errors="replace")


@dataclass(frozen=True)
class Directory:
    """Where it stands in the file, and what has to be added to the positions it names."""

    start: int
    size: int
    base: int
    count: int

    def counts(self, entries: int) -> bool:
        """Whether it announces so many entries; the old format has 16 bits for that."""
        return (entries - self.count) % (1 << 16) == 0

    def entries(self, file: BinaryIO) -> Iterator[Entry]:
        """Read them one by one; others may read elsewhere in the file meanwhile. Raises DamagedError."""
        position = self.start
        while position < self.start + self.size:
            file.seek(position)
            fixed = file.read(_ENTRY.size)
            if len(fixed) < _ENTRY.size or not fixed.startswith(_ENTRY_MAGIC):
                raise DamagedError
            lengths = _ENTRY.unpack(fixed)[7:10]
            name, extra = file.read(lengths[0]), file.read(lengths[1])
            yield self._entry(fixed, name, dict(_extras(extra)))
            position += _ENTRY.size + sum(lengths)

    def _entry(self, fixed: bytes, name: bytes, extras: dict[int, bytes]) -> Entry:
        system, flags, method, time, checksum, packed, size, *_, attributes, position = _ENTRY.unpack(fixed)
        size, packed, position = _widened(extras.get(_ZIP64_ID, b""), size, packed, position)
        return Entry(
            name=name,
            encoding="utf-8" if flags & 1 << 11 else "cp437",
            flags=flags,
            method=method,
            checksum=checksum,
            packed=packed,
            size=size,
            position=self.base + position,
            time=time,
            is_special=system == _UNIX and stat.S_IFMT(attributes >> 16) in _SPECIAL,
            aes=_aes(extras.get(_AES_ID, b"")) if method == _AES_METHOD else None,
        )


def found_in(file: BinaryIO) -> Directory | None:
    """The directory of the last zip in the file, which need not stand at its start: programs carry zips too."""
    file_size = file.seek(0, 2)
    start = max(0, file_size - _COMMENT_LENGTH - len(_END_MAGIC) - _END.size)
    file.seek(start)
    tail = file.read()
    end = len(tail)
    for _ in range(_TRIED_ENDS):
        end = tail.rfind(_END_MAGIC, 0, end)
        if end < 0:
            break
        if found := _at(file, start + end):
            return found
    return None


def _at(file: BinaryIO, end: int) -> Directory | None:
    """The directory that the end record at this position speaks of, if one stands there."""
    file.seek(end)
    record = file.read(_END.size)
    if len(record) < _END.size:
        return None
    count, size, offset = _END.unpack(record)
    start = end - size
    if end >= _BEFORE_END:
        file.seek(end - _BEFORE_END)
        before = file.read(_BEFORE_END)
        if before.startswith(_END64_MAGIC) and before.startswith(_LOCATOR_MAGIC, _END64.size):
            count, size, offset = _END64.unpack_from(before)
            start = end - _BEFORE_END - size
    for candidate in (start, offset):
        if 0 <= candidate < end and _has(file, candidate, _ENTRY_MAGIC):
            return Directory(candidate, size, candidate - offset, count)
    return Directory(end, 0, 0, count) if end == size == 0 else None


def _has(file: BinaryIO, position: int, magic: bytes) -> bool:
    file.seek(position)
    return file.read(len(magic)) == magic


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    while len(extra) >= _EXTRA.size:
        kind, size = _EXTRA.unpack_from(extra)
        yield kind, extra[_EXTRA.size : _EXTRA.size + size]
        extra = extra[_EXTRA.size + size :]


def _widened(extra: bytes, *values: int) -> Iterator[int]:
    """The values, those that do not fit into 32 bits taken from the zip64 field."""
    for value in values:
        if value == _FULL and len(extra) >= 8:  # noqa: PLR2004
            yield int.from_bytes(extra[:8], "little")
            extra = extra[8:]
        else:
            yield value


def _aes(extra: bytes) -> AES | None:
    if len(extra) < _AES.size:
        return None
    version, strength, method = _AES.unpack_from(extra)
    return AES(version == _AES_WITHOUT_CHECKSUM, strength, method) if strength in _AES_STRENGTHS else None
