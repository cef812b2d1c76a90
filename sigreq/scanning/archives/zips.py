"""Zip files, wherever in a file they stand."""

import bz2
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from pyzipper import AESZipFile, ZipInfo
from pyzipper.zipfile import (
    _ECD_ENTRIES_TOTAL,
    _ECD_SIZE,
    ZIP_BZIP2,
    _EndRecData,
)
from pyzipper.zipfile_aes import AESZipExtFile

from sigreq.domain.faults import Fault
from sigreq.scanning.archives.extraction import (
    PASSING,
    Archive,
    DamagedError,
    LimitReachedError,
    LockedError,
    Node,
    fault_of,
)

_LOCAL_MAGIC = b"PK\x03\x04"
# Magic, version needed, flags, method, lengths of the name and the extra field.
_LOCAL = struct.Struct("<4s3H16xHH")
_HEADER = re.compile(re.escape(_LOCAL_MAGIC) + b".{26}", re.DOTALL)
_NEWEST_VERSION, _LONGEST_NAME = 63, 1024
_METHODS = frozenset({*range(13), 14, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99})
_GAP_CHUNK = 1 << 20
_STARTS = (_LOCAL_MAGIC, b"PK\x05\x06", b"PK\x07\x08")
# The library reads all of a directory before we can count: with less than 200 bytes for each of a million members.
_DIRECTORY_BYTES = 8 << 20
# Packed bytes that are read at once. What they may become is bounded by the library for deflate and by us for bzip2;
# LZMA packs some 7,000 bytes into one at best.
_PACKED_AT_ONCE = 4096
_BZIP2_AT_ONCE = 64 << 20
_UNIX = 3
_SPECIAL = frozenset({stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK})
# What the empty content of a folder may be packed into.
_EMPTY_PACKED = 2


class _BoundedBzip2:
    """The library would take whatever comes of its input into memory: of 785 bytes, 2 GiB."""

    def __init__(self) -> None:
        self._inner = bz2.BZ2Decompressor()

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def decompress(self, data: bytes) -> bytes:
        piece = self._inner.decompress(data, _BZIP2_AT_ONCE)
        if not self._inner.needs_input and not self._inner.eof:
            raise LimitReachedError
        return piece


class _Member(AESZipExtFile):  # type: ignore[misc] # the library ships no types
    def get_decompressor(self, compress_type: int) -> Any:
        return _BoundedBzip2() if compress_type == ZIP_BZIP2 else super().get_decompressor(compress_type)


class _Zip(AESZipFile):  # type: ignore[misc] # the same
    zipextfile_cls = _Member


def is_zip(file: BinaryIO, head: bytes) -> bool:
    """Whether it starts as a zip, or one that can be read stands in it: programs carry zips too."""
    if head.startswith(_STARTS):
        return True
    try:
        return bool(_opened(file).infolist())
    except LimitReachedError:
        return True
    except Exception:  # noqa: BLE001 - damage makes the library raise nearly anything
        return False


def read(archive: Archive, file: BinaryIO) -> None:
    """Raise DamagedError when there is no directory to go by, LimitReachedError."""
    zipped = _opened(file)
    end = _EndRecData(file)
    members = zipped.infolist()
    for member in members:
        announced, member.file_size = member.file_size, archive.run.limits.member_bytes + 1
        if member.filename.endswith("/") and member.compress_size <= _EMPTY_PACKED and not announced:
            archive.run.count()
        else:
            _save(archive, archive.list(member.filename), zipped, member, announced)
    # The old format has 16 bits for the count.
    if _holds_unlisted(file, zipped, members) or (len(members) - end[_ECD_ENTRIES_TOTAL]) % (1 << 16):
        archive.node.blame(Fault.ARCHIVE_BROKEN)


def _holds_unlisted(file: BinaryIO, zipped: AESZipFile, members: Sequence[ZipInfo]) -> bool:
    """Whether a member stands between those that the directory names, or before them, as in zips glued together."""
    position = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if _has_member(file, position, member.header_offset):
            return True
        file.seek(member.header_offset)
        head = file.read(_LOCAL.size)
        if len(head) == _LOCAL.size:
            *_, name, extra = _LOCAL.unpack(head)
            position = max(position, member.header_offset + _LOCAL.size + name + extra + member.compress_size)
    return _has_member(file, position, zipped.start_dir)


def _has_member(file: BinaryIO, start: int, end: int) -> bool:
    """Whether a local header that could be one stands there; programs hold the bare magic bytes as well."""
    file.seek(start)
    left, before = end - start, b""
    while left > 0 and (chunk := file.read(min(_GAP_CHUNK, left))):
        left -= len(chunk)
        if any(_could_be(found) for found in _HEADER.finditer(before + chunk)):
            return True
        before = (before + chunk)[-_LOCAL.size :]
    return False


def _could_be(found: re.Match[bytes]) -> bool:
    _, version, _, method, name, _ = _LOCAL.unpack(found[0])
    return version <= _NEWEST_VERSION and method in _METHODS and 0 < name <= _LONGEST_NAME


def _opened(file: BinaryIO) -> AESZipFile:
    end = _EndRecData(file)
    if end is None or end[_ECD_SIZE] > file.seek(0, 2):
        raise DamagedError
    if end[_ECD_SIZE] > _DIRECTORY_BYTES:
        raise LimitReachedError
    try:
        return _Zip(file)
    except Exception as error:
        raise DamagedError from error


def _save(archive: Archive, node: Node, zipped: AESZipFile, member: ZipInfo, announced: int) -> None:
    is_link = member.create_system == _UNIX and stat.S_IFMT(member.external_attr >> 16) in _SPECIAL
    try:
        if member.is_encrypted:
            _save_decrypted(archive, node, zipped, member, announced, is_link=is_link)
        else:
            archive.save(node, _content(zipped, member, None), announced, is_link=is_link)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 - damage makes the library raise nearly anything
        node.blame(fault_of(error))


def _save_decrypted(
    archive: Archive, node: Node, zipped: AESZipFile, member: ZipInfo, announced: int, *, is_link: bool
) -> None:
    """A wrong password may pass for the right one, so nothing is kept before its checksum is right."""
    for password in archive.passwords():
        try:
            chunks = _content(zipped, member, password.encode(errors="replace"))
            archive.save_verified(node, chunks, announced, is_link=is_link)
        except (*PASSING, NotImplementedError, MemoryError):
            raise
        except Exception:  # noqa: BLE001, S112 - so does a wrong password
            continue
        if node.size is not None:
            archive.opened_by(password)
        return
    raise LockedError


def _content(zipped: AESZipFile, member: ZipInfo, password: bytes | None) -> Iterator[bytes]:
    """All that is packed as the member, whatever size it announces."""
    with zipped.open(member, pwd=password) as stream:
        while chunk := stream.read(_PACKED_AT_ONCE):
            yield chunk
