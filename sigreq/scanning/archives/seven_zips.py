"""7z archives, with encrypted headers too. What py7zr cannot read is left to libarchive."""

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

from py7zr import SevenZipFile, archiveinfo, compressor
from py7zr.exceptions import PasswordRequired, UnsupportedCompressionMethodError
from py7zr.helpers import calculate_key
from py7zr.properties import COMPRESSION_METHOD

from sigreq.domain.faults import Fault
from sigreq.scanning.archives import others
from sigreq.scanning.archives.extraction import (
    CHUNK,
    PASSING,
    Archive,
    DamagedError,
    LockedError,
    Node,
    UnsupportedError,
    fault_of,
)
from sigreq.scanning.archives.kinds import Kind

# Each key is hashed 2 to the power of this times; 7-Zip takes 19. It cannot be interrupted.
_MAX_KEY_POWER, _NO_HASHING = 22, 0x3F
# In bytes; each time all of it is hashed.
_MAX_PASSWORD = 512
# Of packed bytes at a time: some methods expand whatever they get, however far, at once.
_READ_AT_ONCE = 8 << 10
# py7zr makes an object and reads a name for each before we see the first. libarchive does not mind many.
_MAX_ENTRIES = 50_000


@lru_cache(maxsize=64)
def _key(password: bytes, power: int, salt: bytes, digest: str) -> bytes:
    """Derive a key; the same one serves many blocks of an archive."""
    if power > _MAX_KEY_POWER and power != _NO_HASHING:
        raise UnsupportedError
    if len(password) > _MAX_PASSWORD:
        raise LockedError
    return calculate_key(password, power, salt, digest)


compressor.calculate_key = _key  # type: ignore[attr-defined]
archiveinfo.MAX_NUMFILES = _MAX_ENTRIES


def read(archive: Archive, file: BinaryIO) -> None:
    """Raise LimitReachedError, LockedError, and nearly anything when it is damaged."""
    try:
        opened = _opened(archive, file)
        blocks = list(_blocks(archive, file, opened))
    except (*PASSING, LockedError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - damage makes libraries raise nearly anything
        others.read(archive, Kind.SEVEN_ZIP)
        return
    if not all(block.is_encrypted or block.is_readable for block in blocks):
        others.read(archive, Kind.SEVEN_ZIP)
        return
    _list_empty(archive, opened)
    for block in blocks:
        for member in block.members:
            block.save(archive.list(member.filename), member)


def _opened(archive: Archive, file: BinaryIO) -> SevenZipFile:
    """The archive with its header read. Raises LockedError when no password opens that."""
    try:
        return SevenZipFile(_rewound(file), "r")
    except PasswordRequired:
        pass
    for password in archive.passwords():
        try:
            opened = SevenZipFile(_rewound(file), "r", password=password)
        except (MemoryError, UnsupportedError):
            raise
        except Exception:  # noqa: BLE001, S112 - a wrong password decrypts it to anything
            continue
        archive.opened_by(password)
        return opened
    raise LockedError


def _rewound(file: BinaryIO) -> Any:
    file.seek(0)
    return file


def _list_empty(archive: Archive, opened: SevenZipFile) -> None:
    """List what has no content. Of those entries, the ones not said to be files are folders."""
    information = opened.header.files_info
    is_file = iter(information.emptyfiles if information else ())
    for member in opened.files:
        if member.emptystream:
            if next(is_file, False):
                archive.save(archive.list(member.filename), iter(()))
            else:
                archive.run.count()


def _blocks(archive: Archive, file: BinaryIO, opened: SevenZipFile) -> Iterator["_Block"]:
    streams = opened.header.main_streams
    if streams is None:
        return
    packed, stream = streams.packinfo, 0
    for folder in streams.unpackinfo.folders:
        start = opened.afterheader + packed.packpos + packed.packpositions[stream]
        yield _Block(archive, file, folder, start, packed.packsizes[stream])
        stream += len(folder.packed_indices)


class _Block:
    """Some members packed together, one after the other: to read one, those before it have to be read."""

    def __init__(self, archive: Archive, file: BinaryIO, folder: Any, start: int, size: int) -> None:
        self._archive = archive
        self._file = file
        self._folder = folder
        self._start = start
        self._size = size
        self._source: Any = None
        self._failure: Exception | None = None
        methods = [coder["method"] for coder in folder.coders]
        # The PPMd library decompresses in a thread, which a locked-down process may not start.
        self.is_readable = COMPRESSION_METHOD.PPMD not in methods and all(
            compressor.SupportedMethods.get_filter_id(coder) is not None  # type: ignore[no-untyped-call]
            and coder["numinstreams"] == 1
            for coder in folder.coders
        )
        self.is_encrypted = COMPRESSION_METHOD.CRYPT_AES256_SHA256 in methods

    @property
    def members(self) -> Any:
        """In the order in which they have to be read."""
        return self._folder.files or ()

    def save(self, node: Node, member: Any) -> None:
        """Read the next member."""
        if self._failure:
            node.blame(_fault_of(self._failure))
            return
        try:
            if self._source:
                self._save_next(node, member)
            else:
                self._save_first(node, member)
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001 - damage makes libraries raise nearly anything
            self._failure = error
            node.blame(_fault_of(error))

    def _save_next(self, node: Node, member: Any) -> None:
        chunks = self._content(member)
        self._archive.save(node, chunks, member.uncompressed, is_link=_is_special(member))
        self._archive.discard(chunks)

    def _save_first(self, node: Node, member: Any) -> None:
        if not self.is_readable:
            raise UnsupportedError
        if not self.is_encrypted:
            self._open()
            self._save_next(node, member)
            return
        if member.crc32 is None:
            # Nothing would tell what a wrong password makes of it from its content.
            raise LockedError
        for password in self._archive.passwords():
            try:
                self._open(password)
                chunks = self._content(member)
                self._archive.save_verified(node, chunks, member.uncompressed, is_link=_is_special(member))
                self._archive.discard(chunks)
            except (*PASSING, UnsupportedError, UnsupportedCompressionMethodError, MemoryError):
                raise
            except Exception:  # noqa: BLE001, S112 - a wrong password decrypts it to anything
                continue
            self._archive.opened_by(password)
            return
        raise LockedError

    def _open(self, password: str | None = None) -> None:
        self._folder.password = password
        self._source = None
        source = self._folder.get_decompressor(self._size, reset=True)
        source.block_size = _READ_AT_ONCE
        self._file.seek(self._start)
        self._source = source

    def _content(self, member: Any) -> Iterator[bytes]:
        left, checksum = member.uncompressed, 0
        while left > 0:
            consumed = self._source.consumed
            piece = bytes(self._source.decompress(self._file, min(left, CHUNK)))
            if not piece and self._source.consumed == consumed:
                raise DamagedError
            left -= len(piece)
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if member.crc32 not in {None, checksum}:
            raise DamagedError


def _is_special(member: Any) -> bool:
    return bool(member.is_symlink or member.is_junction or member.is_socket)


def _fault_of(error: Exception) -> Fault:
    return Fault.ARCHIVE_UNSUPPORTED if isinstance(error, UnsupportedCompressionMethodError) else fault_of(error)
