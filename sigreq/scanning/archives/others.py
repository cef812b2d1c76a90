"""What libarchive reads: tar, cab, rar, iso and more, and single compressed files."""

import ctypes
import errno
import logging
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

from sigreq.domain.faults import Fault
from sigreq.scanning.archives.extraction import (
    CHUNK,
    Archive,
    DamagedError,
    LimitReachedError,
    LockedError,
    MissingLibraryError,
    Node,
    UnsupportedError,
)
from sigreq.scanning.archives.kinds import Kind

# It would print each of the library's warnings.
logging.getLogger("libarchive").addHandler(logging.NullHandler())

try:
    from libarchive import ffi  # type: ignore[import-untyped]
except (ImportError, OSError, AttributeError, TypeError):
    # The package is there but not the system's library: loading nothing gives this process itself, without its names.
    ffi = None

IS_AVAILABLE = ffi is not None
if IS_AVAILABLE:
    # What the package leaves out.
    _open = ffi.ffi(
        "read_open_filename", [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t], ctypes.c_int, ffi.check_int
    )
    _is_encrypted = ffi.ffi("entry_is_encrypted", [ctypes.c_void_p], ctypes.c_int)
    _format = ffi.ffi("format", [ctypes.c_void_p], ctypes.c_int)
    _has_encrypted_entries = ffi.ffi("read_has_encrypted_entries", [ctypes.c_void_p], ctypes.c_int)
    _filter_bytes = ffi.ffi("filter_bytes", [ctypes.c_void_p, ctypes.c_int], ctypes.c_longlong)
    _pathname_utf8 = ffi.ffi("entry_pathname_utf8", [ctypes.c_void_p], ctypes.c_char_p)


class _Support(NamedTuple):
    formats: tuple[str, ...]
    filters: tuple[str, ...] = ()


# Only what the kind needs: mtree would open the files it names, and some filters would start programs. What is not an
# archive inside a compressed file is "raw".
_SUPPORT = {
    Kind.ZIP: _Support(("zip",)),
    Kind.SEVEN_ZIP: _Support(("7zip",)),
    Kind.TAR: _Support(("tar",)),
    Kind.GZIP: _Support(("tar", "raw", "empty"), ("gzip",)),
    Kind.BZIP2: _Support(("tar", "raw", "empty"), ("bzip2",)),
    Kind.XZ: _Support(("tar", "raw", "empty"), ("xz",)),
    Kind.ZSTD: _Support(("tar", "raw", "empty"), ("zstd",)),
    Kind.LZ4: _Support(("tar", "raw", "empty"), ("lz4",)),
    Kind.LZMA: _Support(("tar", "raw", "empty"), ("lzma",)),
    Kind.LZIP: _Support(("tar", "raw", "empty"), ("lzip",)),
    Kind.COMPRESS: _Support(("tar", "raw", "empty"), ("compress",)),
    Kind.RPM: _Support(("cpio",), ("rpm", "gzip", "bzip2", "xz", "lzma", "zstd")),
    Kind.CAB: _Support(("cab",)),
    Kind.RAR: _Support(("rar",)),
    Kind.RAR5: _Support(("rar5",)),
    Kind.ISO9660: _Support(("iso9660",)),
    Kind.CPIO: _Support(("cpio",)),
    Kind.AR: _Support(("ar",)),
    Kind.LHA: _Support(("lha",)),
    Kind.XAR: _Support(("xar",)),
}
# The library's numbers of formats; the lower bits tell variants.
_XAR, _TAR, _FORMAT_MASK = 0xA0000, 0x30000, 0xFF0000
_GZIP_START = b"\x1f\x8b"
# Of these the library may take damage for the end.
_NEVER_EMPTY = frozenset({Kind.AR, Kind.CAB, Kind.ISO9660, Kind.LHA, Kind.RAR, Kind.RAR5, Kind.RPM, Kind.TAR})


def read(archive: Archive, kind: Kind) -> None:
    """Raise LimitReachedError, LockedError, UnsupportedError, MissingLibraryError, DamagedError, MemoryError."""
    if kind not in _SUPPORT:
        raise UnsupportedError
    if ffi is None:
        raise MissingLibraryError
    support = _SUPPORT[kind]
    if _read(archive, support):
        if support.filters and _has_tail(archive, kind):
            raise DamagedError
        return
    # What begins with zeros passes for a tar without members.
    if "raw" in support.formats:
        _read(archive, support._replace(formats=("raw", "empty")))
    elif kind in _NEVER_EMPTY:
        raise DamagedError


def _read(archive: Archive, support: _Support) -> bool:
    """Whether there was anything in it."""
    is_empty = True
    with _reader(support) as reader:
        try:
            _open(reader, os.fsencode(archive.path), CHUNK)
            for entry in _entries(reader):
                is_empty = False
                _read_entry(archive, reader, entry)
        except ffi.ArchiveError as error:
            raise _meaning(reader, error) from error
    return not is_empty


def _has_tail(archive: Archive, kind: Kind) -> bool:
    """Whether there is more in a compressed file than was read: behind the end of its tar, or of its last stream."""
    support = _SUPPORT[kind]
    if kind is Kind.GZIP and _has_other_than_streams(archive):
        return True
    if "tar" not in support.formats:
        return False
    with _reader(support) as reader:
        _open(reader, os.fsencode(archive.path), CHUNK)
        for _ in _entries(reader):
            archive.run.check_time()
        if _format(reader) & _FORMAT_MASK != _TAR:
            return False
        end = _filter_bytes(reader, 0)
    with _reader(support._replace(formats=("raw", "empty"))) as reader:
        _open(reader, os.fsencode(archive.path), CHUNK)
        for _ in _entries(reader):
            for chunk in _content(reader):
                archive.run.check_time()
                if any(chunk[max(0, end) :]):
                    return True
                end -= len(chunk)
    return False


def _has_other_than_streams(archive: Archive) -> bool:
    """Whether something but zeros stands behind a gzip stream that is not another one; libarchive just stops there."""
    with archive.path.open("rb") as file:
        rest = b""
        while rest := rest or file.read(CHUNK):
            if not rest.startswith(_GZIP_START[: len(rest)]):
                return bool((rest + file.read(CHUNK)).strip(b"\0"))
            stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
            while not stream.eof and rest:
                archive.run.check_time()
                stream.decompress(rest, CHUNK)
                rest = stream.unconsumed_tail or (b"" if stream.eof else file.read(CHUNK))
            rest = stream.unused_data
    return False


@contextmanager
def _reader(support: _Support) -> Iterator[Any]:
    reader = ffi.read_new()
    try:
        for name in support.formats:
            _enable(ffi.get_read_format_function, name, reader)
        for name in support.filters:
            _enable(ffi.get_read_filter_function, name, reader)
        yield reader
    finally:
        ffi.read_free(reader)


def _enable(find: Any, name: str, reader: Any) -> None:
    try:
        answer = find(name)(reader)
    except ValueError as error:
        raise MissingLibraryError from error
    # A warning says that it lacks a library for it and would start a program instead.
    if answer != ffi.ARCHIVE_OK:
        raise MissingLibraryError


def _entries(reader: Any) -> Iterator[Any]:
    entry = ffi.entry_new()
    try:
        while ffi.read_next_header2(reader, entry) != ffi.ARCHIVE_EOF:
            yield entry
    finally:
        ffi.entry_free(entry)


def _read_entry(archive: Archive, reader: Any, entry: Any) -> None:
    """Whatever has content is a file, whatever it calls itself; all of it is read, since skipping cannot be stopped."""
    kind = stat.S_IFMT(ffi.entry_filetype(entry))
    chunks = _content(reader)
    if kind == stat.S_IFDIR:
        archive.run.count()
        if first := next(chunks, b""):
            _save(archive, archive.list(_name(entry)), first, chunks)
        return
    node = archive.list(_name(entry))
    if _is_encrypted(entry):
        node.blame(Fault.ARCHIVE_ENCRYPTED)
    elif kind in {0, stat.S_IFREG} and not ffi.entry_hardlink(entry) and not ffi.entry_hardlink_w(entry):
        announced = ffi.entry_size(entry) if ffi.entry_size_is_set(entry) else None
        if _format(reader) == _XAR and announced is not None:
            # The library appends zeros to all xar members but the first.
            chunks = _cut(chunks, announced)
        _save(archive, node, b"", chunks, announced)
    elif first := next(chunks, b""):
        _save(archive, node, first, chunks)
    else:
        node.blame(Fault.LINK_SKIPPED)


def _save(archive: Archive, node: Node, first: bytes, chunks: Iterator[bytes], announced: int | None = None) -> None:
    archive.save(node, chain((first,), chunks), announced)
    archive.discard(chunks)


def _content(reader: Any) -> Iterator[bytes]:
    buffer = ctypes.create_string_buffer(CHUNK)
    try:
        while size := ffi.read_data(reader, buffer, CHUNK):
            if size < 0:
                raise DamagedError
            yield ctypes.string_at(buffer, size)
    except ffi.ArchiveError as error:
        raise _meaning(reader, error) from error


def _cut(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:size]
        size -= len(chunk[:size])


def _name(entry: Any) -> str | bytes:
    return ffi.entry_pathname(entry) or _pathname_utf8(entry) or b""


def _meaning(reader: Any, error: Any) -> Exception:
    if error.errno == errno.ENOMEM:
        return MemoryError()
    # Asked before the library knows the format, the question crashes it.
    if _format(reader) and _has_encrypted_entries(reader) > 0:
        return LockedError()
    if "too many filters" in str(error.msg):
        return LimitReachedError()
    return UnsupportedError() if "upported" in str(error.msg) else DamagedError()
