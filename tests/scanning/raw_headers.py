"""Headers of zip and 7z archives, written by hand so that they can lie."""

import struct
import zlib

_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")


def deflated(content: bytes) -> bytes:
    """As a zip packs it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def zip_local(
    name: bytes, content: bytes, size: int, checksum: int, method: int, flags: int = 0, packed: int | None = None
) -> bytes:
    """The header before a member of a zip."""
    packed = len(content) if packed is None else packed
    return _LOCAL.pack(b"PK\x03\x04", 20, flags, method, 0, 0, checksum, packed, size, len(name), 0) + name


def zip_entry(
    name: bytes, packed: int, size: int, checksum: int, method: int, offset: int, extra: bytes = b"", *, flags: int = 0
) -> bytes:
    """An entry of a zip's directory."""
    lengths = len(name), len(extra), 0
    fixed = (b"PK\x01\x02", 20, 20, flags, method, 0, 0, checksum, packed, size, *lengths, 0, 0, 0, offset)
    return _CENTRAL.pack(*fixed) + name + extra


def zip_end(count: int, size: int, offset: int) -> bytes:
    """The end record of a zip."""
    return _END.pack(b"PK\x05\x06", 0, 0, count, count, size, offset, 0)


def seven_zip_number(value: int) -> bytes:
    """A number as 7z writes it, always in nine bytes."""
    return b"\xff" + value.to_bytes(8, "little")


def raw_seven_zip(header: bytes, content: bytes = b"") -> bytes:
    """A 7z with this header, uncompressed."""
    start = struct.pack("<QQL", len(content), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<L", zlib.crc32(start)) + start + content + header
