"""Archives of every kind that is unpacked, built by the tests: by libraries where those can, else by hand."""

import io
import struct
import tarfile
import zlib
from collections.abc import Mapping

import libarchive  # type: ignore[import-untyped]
import py7zr
import pyzipper

Members = Mapping[str, bytes]


def zipped(members: Members, *, password: str | None = None, method: int = pyzipper.ZIP_DEFLATED) -> bytes:
    """AES-encrypted when there is a password."""
    file = io.BytesIO()
    with pyzipper.AESZipFile(file, "w", compression=method) as archive:
        if password is not None:
            archive.setencryption(pyzipper.WZ_AES, nbits=256)
            archive.setpassword(password.encode())
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def by_libarchive(members: Members, kind: str, compression: str | None = None, password: str | None = None) -> bytes:
    """With a password the kind has to be zip; then it is encrypted in the old way."""
    file = io.BytesIO()
    options = "encryption=zipcrypt" if password else ""
    with libarchive.custom_writer(file.write, kind, compression, options=options, passphrase=password) as archive:
        for name, content in members.items():
            archive.add_file_from_memory(name, len(content), content)
    return file.getvalue()


def tarred(members: Members, *entries: tarfile.TarInfo, mode: str = "w") -> bytes:
    """Members, and then entries without content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in entries:
            archive.addfile(info)
    return file.getvalue()


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    """A link, device or pipe for a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def seven_zipped(
    members: Members,
    *,
    password: str | None = None,
    is_header_encrypted: bool = False,
    filters: list[dict[str, int]] | None = None,
) -> bytes:
    """All members in one block."""
    file = io.BytesIO()
    with py7zr.SevenZipFile(
        file, "w", password=password, header_encryption=is_header_encrypted, filters=filters
    ) as archive:
        for name, content in members.items():
            archive.writestr(content, name)
    return file.getvalue()


def cabinet(members: Members) -> bytes:
    """Stored, without checksums."""
    names = [name.encode() + b"\0" for name in members]
    content = b"".join(members.values())
    first_file, sizes = 36 + 8, [16 + len(name) for name in names]
    first_data = first_file + sum(sizes)
    pieces = [content[at : at + 32768] for at in range(0, len(content), 32768)]
    data = b"".join(struct.pack("<LHH", 0, len(piece), len(piece)) + piece for piece in pieces)
    head = b"MSCF" + struct.pack("<4xL4xL4xBBHHHHH", first_data + len(data), first_file, 3, 1, 1, len(names), 0, 0, 0)
    files, offset = b"", 0
    for name, body in zip(names, members.values(), strict=True):
        files += struct.pack("<LLHHHH", len(body), offset, 0, 0, 0, 0x20) + name
        offset += len(body)
    return head + struct.pack("<LHH", first_data, len(pieces), 0) + files + data


def rar4(members: Members, *, flags: int = 0, archive_flags: int = 0) -> bytes:
    """Stored. The flag 4 says that a member is encrypted, 0x80 of an archive that its headers are."""
    packed = b"Rar!\x1a\x07\x00" + _rar4_block(0x73, archive_flags, bytes(6))
    for name, content in members.items():
        size, checksum = len(content), zlib.crc32(content)
        fields = struct.pack("<LLBLLBBHL", size, size, 3, checksum, 0, 20, 0x30, len(name), 0o100644)
        packed += _rar4_block(0x74, 0x8000 | flags, fields + name.encode()) + content
    return packed + _rar4_block(0x7B, 0x4000, b"")


def _rar4_block(kind: int, flags: int, fields: bytes) -> bytes:
    body = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
    return struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body


def rar5(members: Members) -> bytes:
    """Stored."""
    packed = b"Rar!\x1a\x07\x01\x00" + _rar5_block(b"\x01\x00\x00")
    for name, content in members.items():
        size = _variable(len(content))
        fields = b"\x02\x02" + size + b"\x04" + size + b"\x00" + struct.pack("<L", zlib.crc32(content)) + b"\x00\x01"
        packed += _rar5_block(fields + _variable(len(name)) + name.encode()) + content
    return packed + _rar5_block(b"\x05\x00\x00")


def _rar5_block(fields: bytes) -> bytes:
    body = _variable(len(fields)) + fields
    return struct.pack("<L", zlib.crc32(body)) + body


def _variable(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _variable(rest) if rest else bytes([low])


def lha(members: Members) -> bytes:
    """Stored, with the oldest headers."""
    packed = b""
    for name, content in members.items():
        size = len(content)
        fields = b"-lh0-" + struct.pack("<LLLBBB", size, size, 0, 0x20, 0, len(name)) + name.encode()
        fields += struct.pack("<H", _crc16(content))
        packed += bytes([len(fields), sum(fields) & 0xFF]) + fields + content
    return packed + b"\0"


def _crc16(content: bytes) -> int:
    value = 0
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def rpm(members: Members) -> bytes:
    """A lead, two empty headers, and a compressed cpio."""
    lead = b"\xed\xab\xee\xdb\x03\x00" + bytes(90)
    header = b"\x8e\xad\xe8\x01" + bytes(12)
    return lead + header + header + by_libarchive(members, "cpio_newc", "gzip")


def program_with(archive: bytes) -> bytes:
    """What a self-extracting program looks like from outside."""
    return b"MZ" + bytes(range(256)) * 8 + archive


def compressed_by(kind: str, content: bytes) -> bytes:
    """One compressed file, in a format that libarchive calls a filter."""
    return by_libarchive({"name": content}, "raw", kind)
