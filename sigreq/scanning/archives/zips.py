"""Zip files, wherever in a file they stand."""

import bz2
import stat
from collections.abc import Iterator
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
    file.seek(0)
    is_first = file.read(len(_LOCAL_MAGIC)) == _LOCAL_MAGIC
    # Only the last of several zips glued together is read: what stands before its first member is not.
    is_glued = is_first and min((member.header_offset for member in members), default=1) > 0
    # The old format has 16 bits for the count.
    if is_glued or (len(members) - end[_ECD_ENTRIES_TOTAL]) % (1 << 16):
        archive.node.blame(Fault.ARCHIVE_BROKEN)


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
