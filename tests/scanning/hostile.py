"""Samples made to harm whoever unpacks them. All are inert, quick to make, and small or sparse."""

import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyzipper

from tests.scanning.packed import by_libarchive, cabinet, seven_zipped, special, tarred, zipped
from tests.scanning.raw_headers import deflated, raw_seven_zip, seven_zip_number, zip_end, zip_entry, zip_local

MILLION = 1_000_000
TWO_GIB = 2 << 30
_BOMB = 64 << 20


def flat_bomb() -> bytes:
    return zipped({"zeros": bytes(_BOMB)})


def nested_bomb() -> bytes:
    return zipped({"before": b"before", "bomb.zip": flat_bomb(), "after": os.urandom(1000)})


def overlapping_bomb() -> bytes:
    """Thousands of entries that all speak of the same data."""
    packed = deflated(bytes(1 << 20))
    local = zip_local(b"x", packed, 1 << 20, zlib.crc32(bytes(1 << 20)), 8)
    entry = zip_entry(b"x", len(packed), 1 << 20, zlib.crc32(bytes(1 << 20)), 8, 0)
    return local + packed + entry * 5000 + zip_end(5000, 5000 * len(entry), len(local + packed))


def layered_bomb() -> bytes:
    """Each layer holds the next one ten times, as in a quine, but ends after five."""
    content = b"bottom"
    for _ in range(5):
        content = zipped({f"{number}.zip": content for number in range(10)})
    return content


def gzip_layers() -> bytes:
    """More layers of one compression than any reader should go into."""
    content = b"bottom"
    for _ in range(40):
        content = gzip.compress(content)
    return content


def bad_paths() -> bytes:
    names = ["../../../../tmp/escaped", "/tmp/escaped", "C:\\escaped", "..\\..\\escaped", "a/../../escaped", "/", "."]  # noqa: S108
    return zipped({name: name.encode() for name in names})


def bad_paths_tar() -> bytes:
    return tarred({"../../../../tmp/escaped": b"x", "/tmp/escaped": b"y"}, mode="w:gz")  # noqa: S108


def bad_paths_7z() -> bytes:
    return by_libarchive({"../../../../tmp/escaped": b"x", "/tmp/escaped": b"y"}, "7zip")  # noqa: S108


def zip_links() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("link/through", b"content")
    return file.getvalue()


def tar_links() -> bytes:
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    return tarred({}, *[special(f"entry{number}", kind) for number, kind in enumerate(kinds)])


def million_empty_members() -> bytes:
    local = zip_local(b"", b"", 0, 0, 0)
    entries = zip_entry(b"", 0, 0, 0, 0, 0) * MILLION
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, MILLION, MILLION, len(entries), len(local))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(local + entries), 1)
    return local + entries + end64 + locator + zip_end(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def million_empty_members_7z() -> bytes:
    names = b"\x11" + seven_zip_number(4 * MILLION + 1) + b"\0" + "x\0".encode("utf-16-le") * MILLION
    empty = b"\xff" * (MILLION // 8)
    vector = seven_zip_number(len(empty)) + empty
    files = b"\x05" + seven_zip_number(MILLION) + b"\x0e" + vector + b"\x0f" + vector
    return raw_seven_zip(b"\x01" + files + names + b"\0\0")


def million_empty_members_tar() -> bytes:
    block = tarred({"": b""})[:512]
    return gzip.compress(block * 100_000, 1)


def truncated() -> bytes:
    return zipped({"a": os.urandom(5000), "b": os.urandom(5000)})[:-2000]


def truncated_tar() -> bytes:
    return tarred({"a": os.urandom(5000), "b": os.urandom(5000)}, mode="w:gz")[:-3000]


def lying_sizes() -> bytes:
    """Announces an empty member, holds another."""
    content = os.urandom(1000)
    return zipped({"x": content}).replace(struct.pack("<L", 1000), bytes(4))


def lying_zip64() -> bytes:
    extra = struct.pack("<2H3Q", 1, 24, 1 << 60, 1 << 61, 1 << 62)
    entry = zip_entry(b"x", 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0xFFFFFFFF, extra)
    return zip_local(b"x", b"", 0, 0, 0) + entry + zip_end(1, len(entry), 31)


def lying_directory() -> bytes:
    """Says that its directory is larger than the file."""
    return zip_local(b"x", b"", 0, 0, 0) + zip_end(1, 0xFFFFFFF0, 0)


def unknown_password() -> bytes:
    return zipped({"x": b"content"}, password="nobody knows")


def unknown_password_7z() -> bytes:
    return seven_zipped({"x": b"content"}, password="nobody knows", is_header_encrypted=True)


def bad_names() -> bytes:
    """Marked as UTF-8, which it is not; NUL bytes; and lone surrogates."""
    name = b"\xff\xfe\x00\xed\xa0\x80\xc3"
    local = zip_local(name, b"content", 7, zlib.crc32(b"content"), 0, 1 << 11)
    entry = zip_entry(name, 7, 7, zlib.crc32(b"content"), 0, 0, flags=1 << 11)
    return local + b"content" + entry + zip_end(1, len(entry), len(local) + 7)


def long_names() -> bytes:
    return zipped({letter * 65_000: letter.encode() for letter in "abc"})


def long_names_tar() -> bytes:
    return tarred({"n" * 65_000: b"content"})


def nothing() -> bytes:
    return b""


def deep_nesting() -> bytes:
    content = b"bottom"
    for depth in range(30):
        content = zipped({"x": content}) if depth % 2 else tarred({"x": content}, mode="w:gz")
    return content


def many_archives() -> bytes:
    tiny = zipped({"x": b"x"})
    return zipped({f"{number}.zip": tiny for number in range(700)})


def many_gzip_members() -> bytes:
    return gzip.compress(b"x") * 50_000


def sparse_tar() -> bytes:
    """A sparse entry that says it is a terabyte of zeros."""
    info = tarfile.TarInfo("sparse")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[156:157] = b"S"
    block[386:410] = b"\x80" + (1 << 40).to_bytes(11, "big") + b"00000000000\0"
    block[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(1024)


def huge_7z() -> bytes:
    """Announces a terabyte, holds four bytes."""
    streams = (
        b"\x04\x06\x00\x01\x09\x04\x00\x07\x0b\x01\x00\x01\x01\x00\x0c"
        + seven_zip_number(1 << 40)
        + b"\x00\x08\x00\x00"
    )
    names = b"\x11\x05\x00x\0\0\0"
    return raw_seven_zip(b"\x01" + streams + b"\x05\x01" + names + b"\0\0", b"data")


def xz_bomb() -> bytes:
    return lzma.compress(bytes(_BOMB), preset=0)


def bzip2_bomb() -> bytes:
    return zipped({"zeros": bytes(_BOMB)}, method=pyzipper.ZIP_BZIP2)


def lzma_dictionary() -> bytes:
    """Asks for a dictionary of four GiB."""
    packed = zipped({"x": b"content"}, method=pyzipper.ZIP_LZMA)
    return packed.replace((8 << 20).to_bytes(4, "little"), b"\xff\xff\xff\xff")


def damaged_iso() -> bytes:
    content = bytearray(by_libarchive({f"file{number}": os.urandom(3000) for number in range(5)}, "iso9660"))
    content[34_000:60_000:37] = b"\xff" * len(content[34_000:60_000:37])
    return bytes(content)


def damaged_cab() -> bytes:
    content = bytearray(cabinet({"x": os.urandom(70_000)}))
    content[30:90:7] = b"\xff" * len(content[30:90:7])
    return bytes(content)


def sparse_file(path: Path) -> None:
    """Two GiB of nothing."""
    with path.open("wb") as file:
        file.truncate(TWO_GIB)


def sparse_tar_member(path: Path) -> None:
    info = tarfile.TarInfo("huge")
    info.size = TWO_GIB
    path.write_bytes(info.tobuf())
    os.truncate(path, 512 + TWO_GIB + 1024)


def sparse_zip_member(path: Path) -> None:
    size = TWO_GIB
    local, entry = zip_local(b"huge", b"", size, 0, 0, packed=size), zip_entry(b"huge", size, size, 0, 0, 0)
    path.write_bytes(local)
    with path.open("r+b") as file:
        file.seek(len(local) + size)
        file.write(entry + zip_end(1, len(entry), len(local) + size))


def _writer(build: Callable[[], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(build())

    return write


_BUILDERS = (
    flat_bomb,
    nested_bomb,
    overlapping_bomb,
    layered_bomb,
    gzip_layers,
    bad_paths,
    bad_paths_tar,
    bad_paths_7z,
    zip_links,
    tar_links,
    million_empty_members,
    million_empty_members_7z,
    million_empty_members_tar,
    truncated,
    truncated_tar,
    lying_sizes,
    lying_zip64,
    lying_directory,
    unknown_password,
    unknown_password_7z,
    bad_names,
    long_names,
    long_names_tar,
    nothing,
    deep_nesting,
    many_archives,
    many_gzip_members,
    sparse_tar,
    huge_7z,
    xz_bomb,
    bzip2_bomb,
    lzma_dictionary,
    damaged_iso,
    damaged_cab,
)
HOSTILE: dict[str, Callable[[Path], None]] = {
    **{build.__name__: _writer(build) for build in _BUILDERS},
    **{write.__name__: write for write in (sparse_file, sparse_tar_member, sparse_zip_member)},
}
