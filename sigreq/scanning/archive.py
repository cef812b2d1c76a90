"""Members of archives, read within limits. A member's name is never a path: it may say anything."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from io import BytesIO
from typing import BinaryIO

import pyzipper

MAX_MEMBERS = 1_000
MAX_MEMBER_BYTES = 256 << 20
MAX_TOTAL_BYTES = 1 << 30
MAX_DEPTH = 3
MAX_RATIO = 200

_CHUNK = 64 << 10
_ENCRYPTED_FLAG = 1
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# Offset and magic bytes: 7z, rar, gzip, bzip2, xz, zstd, tar, cab, iso, ar, cpio, lzma, compress, lzip, rpm, arj.
_UNSUPPORTED = (
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"Rar!\x1a\x07"),
    (0, b"\x1f\x8b\x08"),
    (4, b"1AY&SY"),
    (0, b"\xfd7zXZ\x00"),
    (0, b"\x28\xb5\x2f\xfd"),
    (257, b"ustar"),
    (0, b"MSCF\x00\x00\x00\x00"),
    (32769, b"CD001"),
    (0, b"!<arch>\n"),
    (0, b"07070"),
    (0, b"\x5d\x00\x00"),
    (0, b"\x1f\x9d"),
    (0, b"LZIP"),
    (0, b"\xed\xab\xee\xdb"),
    (0, b"\x60\xea"),
)


class _LimitReachedError(Exception):
    pass


class Unpacker:
    """Reads every member of one sample at every depth, and notes in `faults` why it could not read some."""

    def __init__(self, passwords: Sequence[bytes], allowed: Collection[str], faults: list[str]) -> None:
        """Members whose SHA-256 is in `allowed` are passed over with all they contain."""
        self._passwords = passwords
        self._allowed = allowed
        self._faults = faults
        self._members = 0
        self._bytes = 0

    def contents(self, file: BinaryIO, depth: int = 1, ceiling: int = MAX_TOTAL_BYTES) -> Iterator[bytes]:
        """Yield what is packed in `file`; nothing when it is no archive.

        `ceiling` bounds the bytes unpacked from the whole sample by the time this archive is done.
        """
        if any(_has(file, offset, magic) for offset, magic in _UNSUPPORTED):
            self._faults.append("archive_unsupported")
        archive = self._opened(file)
        if archive is None:
            return
        if depth > MAX_DEPTH:
            self._faults.append("archive_limit")
            return
        # Only the last of several zips glued together is read: what stands before its first member is not.
        if _has(file, 0, _ZIP_STARTS[0]) and min((m.header_offset for m in archive.infolist()), default=1) > 0:
            self._faults.append("archive_broken")
        ceiling = min(ceiling, self._bytes + MAX_RATIO * file.seek(0, 2))
        for member in archive.infolist():
            self._members += 1
            if self._members > MAX_MEMBERS:
                self._faults.append("archive_limit")
                return
            content = self._read(archive, member, ceiling)
            is_folder = member.filename.endswith("/") and not content
            if content is None or is_folder or hashlib.sha256(content).hexdigest() in self._allowed:
                continue
            yield content
            yield from self.contents(BytesIO(content), depth + 1, ceiling)

    def _opened(self, file: BinaryIO) -> pyzipper.AESZipFile | None:
        """The zip in `file`, which need not stand at its start: a self-extracting program is one too."""
        try:
            return pyzipper.AESZipFile(file)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - damage makes the library raise nearly anything
            if any(_has(file, 0, magic) for magic in _ZIP_STARTS):
                self._faults.append("archive_broken")
            return None

    def _read(self, archive: pyzipper.AESZipFile, member: pyzipper.ZipInfo, ceiling: int) -> bytes | None:
        """All that is packed as the member, whatever size it announces, or None and a fault."""
        # The library stops at the announced size, and an AES member carries no checksum that would show it.
        announced, member.file_size = member.file_size, MAX_MEMBER_BYTES + 1
        is_encrypted = member.flag_bits & _ENCRYPTED_FLAG
        fault = "archive_encrypted" if is_encrypted else "archive_broken"
        for password in self._passwords if is_encrypted else (None,):
            try:
                content = self._unpacked(archive, member, password, ceiling)
            except _LimitReachedError:
                fault = "archive_limit"
                break
            except NotImplementedError:
                fault = "archive_unsupported"
                break
            except MemoryError:
                fault = "out_of_memory"
                break
            except Exception:  # noqa: BLE001, S112 - as above, and so does a wrong password
                continue
            if len(content) != announced:
                self._faults.append("archive_broken")
            return content
        self._faults.append(fault)
        return None

    def _unpacked(
        self,
        archive: pyzipper.AESZipFile,
        member: pyzipper.ZipInfo,
        password: bytes | None,
        ceiling: int,
    ) -> bytes:
        ceiling = min(ceiling, self._bytes + MAX_MEMBER_BYTES)
        content = BytesIO()
        with archive.open(member, pwd=password) as stream:
            while chunk := stream.read(_CHUNK):
                self._bytes += len(chunk)
                if self._bytes > ceiling:
                    raise _LimitReachedError
                content.write(chunk)
        return content.getvalue()


def _has(file: BinaryIO, offset: int, magic: bytes) -> bool:
    file.seek(offset)
    return file.read(len(magic)) == magic
