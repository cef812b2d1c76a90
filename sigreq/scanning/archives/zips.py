"""Zip files, wherever in a file they stand: read by their central directory, every member by itself."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, BinaryIO

from pyzipper.zipfile import CRCZipDecrypter
from pyzipper.zipfile_aes import AESZipDecrypter, AESZipInfo

from sigreq.domain.faults import Fault
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
from sigreq.scanning.archives.zip_directory import AES, Entry, found_in

_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_LOCAL = struct.Struct("<26x2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_STARTS = (_LOCAL_MAGIC, b"PK\x05\x06", b"PK\x07\x08")
_LZMA_HEAD = struct.Struct("<2xHBL")
_STRONG_ENCRYPTION = 1 << 6
# What the empty content of a folder may be packed into.
_EMPTY_PACKED = 2


def is_zip(file: BinaryIO, head: bytes) -> bool:
    """Whether it starts as a zip, or one stands somewhere in it."""
    return head.startswith(_STARTS) or found_in(file) is not None


def read(archive: Archive, file: BinaryIO) -> None:
    """Raise DamagedError, LimitReachedError."""
    directory = found_in(file)
    if directory is None:
        raise DamagedError
    file.seek(0)
    is_first = file.read(len(_LOCAL_MAGIC)) == _LOCAL_MAGIC
    positions = []
    for entry in directory.entries(file):
        positions.append(entry.position)
        if entry.is_folder and entry.packed <= _EMPTY_PACKED and not entry.size:
            archive.run.count()
            continue
        _save(archive, archive.list(entry.text), file, entry)
    # Only the last of several zips glued together is read: what stands before its first member is not.
    if (is_first and min(positions, default=0) > 0) or not directory.counts(len(positions)):
        archive.node.blame(Fault.ARCHIVE_BROKEN)


def _save(archive: Archive, node: Node, file: BinaryIO, entry: Entry) -> None:
    if entry.flags & _STRONG_ENCRYPTION:
        node.blame(Fault.ARCHIVE_UNSUPPORTED)
        return
    try:
        if entry.is_encrypted:
            _save_decrypted(archive, node, file, entry)
        else:
            chunks = _checked(entry, _unpacked(entry, _packed(file, entry)))
            archive.save(node, chunks, entry.size, is_link=entry.is_special)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 - damage makes libraries raise nearly anything
        node.blame(fault_of(error))


def _save_decrypted(archive: Archive, node: Node, file: BinaryIO, entry: Entry) -> None:
    """A wrong password may pass for the right one, so nothing is kept before its checksum is right."""
    failure: Exception = LockedError()
    for password in archive.passwords():
        try:
            chunks = _decrypted(file, entry, password.encode(errors="replace"))
            archive.save_verified(node, chunks, entry.size, is_link=entry.is_special)
        except (*PASSING, UnsupportedError, MemoryError):
            raise
        except LockedError:
            continue
        except Exception as error:  # noqa: BLE001 - so does a wrong password
            # The old check lets one wrong password in 256 pass, the AES one hardly any.
            failure = error if entry.aes else failure
            continue
        if node.size is not None:
            archive.opened_by(password)
        return
    raise failure


def _packed(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The member's packed bytes, as they stand in the file."""
    file.seek(entry.position)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(_LOCAL_MAGIC):
        raise DamagedError
    position = entry.position + _LOCAL.size + sum(_LOCAL.unpack(head))
    end = position + entry.packed
    while position < end:
        # Between two chunks others may have read elsewhere.
        file.seek(position)
        chunk = file.read(min(CHUNK, end - position))
        if not chunk:
            raise DamagedError
        position += len(chunk)
        yield chunk


def _checked(entry: Entry, chunks: Iterator[bytes]) -> Iterator[bytes]:
    checksum = 0
    for chunk in chunks:
        checksum = zlib.crc32(chunk, checksum)
        yield chunk
    if checksum != entry.checksum:
        raise DamagedError


def _decrypted(file: BinaryIO, entry: Entry, password: bytes) -> Iterator[bytes]:
    if entry.aes:
        return _decrypted_by_aes(file, entry, entry.aes, password)
    return _checked(entry, _unpacked(entry, _decrypted_as_of_old(file, entry, password)))


def _decrypted_as_of_old(file: BinaryIO, entry: Entry, password: bytes) -> Iterator[bytes]:
    chunks = _packed(file, entry)
    first = next(chunks, b"")
    head_size = CRCZipDecrypter.encryption_header_length
    cipher = _cipher(CRCZipDecrypter, entry, password, first[:head_size])
    yield cipher.decrypt(first[head_size:])
    yield from map(cipher.decrypt, chunks)


def _decrypted_by_aes(file: BinaryIO, entry: Entry, aes: AES, password: bytes) -> Iterator[bytes]:
    content = _Tail(_packed(file, entry), AESZipDecrypter.hmac_size)
    chunks = iter(content)
    first = next(chunks, b"")
    head_size = AESZipDecrypter.encryption_header_length(_described(entry))
    cipher = _cipher(AESZipDecrypter, entry, password, first[:head_size])

    def plain() -> Iterator[bytes]:
        yield cipher.decrypt(first[head_size:])
        yield from map(cipher.decrypt, chunks)

    packed = plain()
    unpacked = _unpacked(entry, packed)
    yield from unpacked if aes.has_no_checksum else _checked(entry, unpacked)
    # The code is of all packed bytes, of those behind the end of the compressed stream too.
    for _ in packed:
        pass
    cipher.check_hmac(content.tail)


def _cipher(kind: Any, entry: Entry, password: bytes, head: bytes) -> Any:
    """Raise LockedError when the password is certainly wrong."""
    try:
        return kind(_described(entry), password, head)
    except RuntimeError as error:
        raise LockedError from error


def _described(entry: Entry) -> AESZipInfo:
    """The entry, as far as the library's ciphers want to know of it."""
    info = AESZipInfo(entry.text)
    info.flag_bits, info.CRC, info._raw_time = entry.flags, entry.checksum, entry.time  # noqa: SLF001 - there is no other way
    info.wz_aes_strength = entry.aes.strength if entry.aes else None
    return info


class _Tail:
    """Chunks of a stream but its last bytes, which are in `tail` afterwards."""

    def __init__(self, chunks: Iterator[bytes], size: int) -> None:
        self._chunks = chunks
        self._size = size
        self.tail = b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            joined = self.tail + chunk
            cut = max(0, len(joined) - self._size)
            self.tail = joined[cut:]
            if cut:
                yield joined[:cut]


def _unpacked(entry: Entry, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """In pieces of bounded size, however far a chunk expands."""
    method = entry.aes.method if entry.aes else entry.method
    if method == _STORED:
        return chunks
    if method == _DEFLATED:
        return _inflated(chunks)
    if method == _BZIP2:
        return _decompressed(bz2.BZ2Decompressor(), chunks)
    if method == _LZMA:
        return _unpacked_by_lzma(chunks)
    raise UnsupportedError


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for chunk in chunks:
        rest, piece = chunk, b""
        while rest or len(piece) == CHUNK:
            piece = inflater.decompress(rest, CHUNK)
            rest = inflater.unconsumed_tail
            yield piece
        if inflater.eof:
            return
    raise DamagedError


def _decompressed(
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, chunks: Iterator[bytes]
) -> Iterator[bytes]:
    for chunk in takewhile(lambda _: not decompressor.eof, chunks):
        yield decompressor.decompress(chunk, CHUNK)
        while not decompressor.needs_input and not decompressor.eof:
            yield decompressor.decompress(b"", CHUNK)


def _unpacked_by_lzma(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    if len(first) < _LZMA_HEAD.size:
        raise DamagedError
    properties_size, properties, dictionary = _LZMA_HEAD.unpack_from(first)
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}]
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    # After the version (2 bytes) and the properties' own size (2 bytes).
    yield from _decompressed(decompressor, iter([first[4 + properties_size :]]))
    yield from _decompressed(decompressor, chunks)
