"""Which kind of archive a file is, by its content alone."""

import re
import zlib
from collections.abc import Callable
from enum import Enum, auto
from typing import BinaryIO

from sigreq.scanning.archives import zips

_HEAD = 33 << 10
_TAR_BLOCK = 512
_CHECKSUM = slice(148, 156)


class Kind(Enum):
    """What can be in a file."""

    ZIP = auto()
    SEVEN_ZIP = auto()
    TAR = auto()
    GZIP = auto()
    BZIP2 = auto()
    XZ = auto()
    ZSTD = auto()
    LZ4 = auto()
    LZMA = auto()
    LZIP = auto()
    COMPRESS = auto()
    RPM = auto()
    CAB = auto()
    RAR = auto()
    RAR5 = auto()
    ISO9660 = auto()
    CPIO = auto()
    AR = auto()
    LHA = auto()
    XAR = auto()
    UNSUPPORTED = auto()


_MAGIC: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (257, b"ustar", Kind.TAR),
    (0, b"\x1f\x8b\x08", Kind.GZIP),
    (0, b"\xfd7zXZ\x00", Kind.XZ),
    (0, b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (0, b"\x04\x22\x4d\x18", Kind.LZ4),
    (0, b"LZIP\x00", Kind.LZIP),
    (0, b"LZIP\x01", Kind.LZIP),
    (0, b"\xed\xab\xee\xdb", Kind.RPM),
    (0, b"MSCF\x00\x00\x00\x00", Kind.CAB),
    (0, b"Rar!\x1a\x07\x00", Kind.RAR),
    (0, b"Rar!\x1a\x07\x01\x00", Kind.RAR5),
    (32769, b"CD001", Kind.ISO9660),
    (0, b"070701", Kind.CPIO),
    (0, b"070702", Kind.CPIO),
    (0, b"070707", Kind.CPIO),
    (0, b"!<arch>\n", Kind.AR),
    (0, b"xar!", Kind.XAR),
    # ace, lzop, lrzip, WIM, zpaq (two), ALZip, EGG, StuffIt (two), squashfs.
    (7, b"**ACE**", Kind.UNSUPPORTED),
    (0, b"\x89LZO\x00\r\n\x1a\n", Kind.UNSUPPORTED),
    (0, b"LRZI\x00", Kind.UNSUPPORTED),
    (0, b"MSWIM\x00\x00\x00", Kind.UNSUPPORTED),
    (0, b"7kSt", Kind.UNSUPPORTED),
    (0, b"zPQ\x01", Kind.UNSUPPORTED),
    (0, b"ALZ\x01", Kind.UNSUPPORTED),
    (0, b"EGGA\x00", Kind.UNSUPPORTED),
    (0, b"StuffIt (c)", Kind.UNSUPPORTED),
    (0, b"SIT!\x00", Kind.UNSUPPORTED),
    (0, b"hsqs", Kind.UNSUPPORTED),
)
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
_LHA = re.compile(rb"..-l[hz][0-9a-z]-", re.DOTALL)
# Codes have 9 to 16 bits; the highest bit says whether the table is ever cleared.
_COMPRESS_MAGIC, _COMPRESS_FLAGS = b"\x1f\x9d", [bytes([mode | bits]) for mode in (0, 0x80) for bits in range(9, 17)]
_OLD_CPIO_MAGIC = (b"\xc7\x71", b"\x71\xc7")
_ARJ_MAGIC, _ARJ_HEADER = b"\x60\xea", range(30, 2601)


def kinds(file: BinaryIO) -> list[Kind]:
    """What the file is, first what it starts as. None for what is no archive; a zip may also stand at its end."""
    file.seek(0)
    head = file.read(_HEAD)
    first = _by_magic(head) or _by_structure(head)
    found = [first] if first else []
    if zips.is_zip(file, head):
        found.append(Kind.ZIP)
    return found


def _by_magic(head: bytes) -> Kind | None:
    return next((kind for offset, magic, kind in _MAGIC if head.startswith(magic, offset)), None)


def _by_structure(head: bytes) -> Kind | None:
    """Kinds whose magic bytes are so few that other files have them by chance."""
    return next((kind for is_kind, kind in _STRUCTURES if is_kind(head)), None)


def _is_bzip2(head: bytes) -> bool:
    return bool(_BZIP2.match(head))


def _is_lha(head: bytes) -> bool:
    return bool(_LHA.match(head))


def _is_compress(head: bytes) -> bool:
    """Whether the flags after the magic bytes are possible ones."""
    return head[:2] == _COMPRESS_MAGIC and head[2:3] in _COMPRESS_FLAGS


def _is_tar(block: bytes) -> bool:
    """Whether the checksum of a tar header, of the oldest kind too, is right."""
    block = block[:_TAR_BLOCK]
    field = block[_CHECKSUM].strip(b" \0")
    if len(block) < _TAR_BLOCK or not re.fullmatch(rb"[0-7]+", field):
        return False
    return int(field, 8) == sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")


def _is_lzma(head: bytes) -> bool:
    """Whether the old LZMA header holds what packers write: usual properties, a round dictionary, a possible size."""
    properties, dictionary, size = head[:1], int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    is_round = dictionary.bit_count() == 1 or (dictionary.bit_count() == 2 and dictionary % 3 == 0)  # noqa: PLR2004
    return properties == b"\x5d" and is_round and (size < 1 << 40 or size == (1 << 64) - 1) and len(head) > 13  # noqa: PLR2004


def _is_old_cpio(head: bytes) -> bool:
    """Whether the binary cpio header's name ends where it says."""
    name_length = int.from_bytes(head[20:22], "little" if head.startswith(_OLD_CPIO_MAGIC[0]) else "big")
    if not head.startswith(_OLD_CPIO_MAGIC):
        return False
    return 1 < name_length <= 4096 and head[26 + name_length - 1 : 26 + name_length] == b"\0"  # noqa: PLR2004


def _is_arj(head: bytes) -> bool:
    size = int.from_bytes(head[2:4], "little")
    if not head.startswith(_ARJ_MAGIC) or size not in _ARJ_HEADER:
        return False
    return zlib.crc32(head[4 : 4 + size]).to_bytes(4, "little") == head[4 + size : 8 + size]


_STRUCTURES: tuple[tuple[Callable[[bytes], bool], Kind], ...] = (
    (_is_bzip2, Kind.BZIP2),
    (_is_lha, Kind.LHA),
    (_is_compress, Kind.COMPRESS),
    (_is_old_cpio, Kind.CPIO),
    (_is_arj, Kind.UNSUPPORTED),
    (_is_lzma, Kind.LZMA),
    (_is_tar, Kind.TAR),
)
