"""What is packed comes out, at every depth, and what does not is reported."""

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import py7zr
import pytest
import pyzipper

from tests.scanning import packed
from tests.scanning.packed import by_libarchive, program_with, seven_zipped, special, tarred, zipped
from tests.scanning.unpacked import Found, unpacked

MEMBERS = {"first": os.urandom(3000), "second": b"inert " * 40}
CONTENTS = list(MEMBERS.values())
LIMITED = ["archive_limit"]
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zipped(MEMBERS),
    "zip behind a program": lambda: program_with(zipped(MEMBERS)),
    "zip before garbage": lambda: zipped(MEMBERS) + os.urandom(500),
    "zip with old encryption": lambda: by_libarchive(MEMBERS, "zip", password="infected"),
    "zip with AES": lambda: zipped(MEMBERS, password="infected"),
    "7z": lambda: seven_zipped(MEMBERS),
    "7z by libarchive": lambda: by_libarchive(MEMBERS, "7zip"),
    "7z with encryption": lambda: seven_zipped(MEMBERS, password="infected"),
    "7z with encrypted header": lambda: seven_zipped(MEMBERS, password="infected", is_header_encrypted=True),
    "7z by PPMd": lambda: seven_zipped(MEMBERS, filters=[{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}]),
    "7z by zstd": lambda: seven_zipped(MEMBERS, filters=[{"id": py7zr.FILTER_ZSTD, "level": 3}]),
    "tar": lambda: tarred(MEMBERS),
    "oldest tar": lambda: by_libarchive(MEMBERS, "v7tar"),
    "tar.gz": lambda: tarred(MEMBERS, mode="w:gz"),
    "tar.bz2": lambda: tarred(MEMBERS, mode="w:bz2"),
    "tar.xz": lambda: tarred(MEMBERS, mode="w:xz"),
    **{
        f"tar by {kind}": lambda kind=kind: by_libarchive(MEMBERS, "ustar", kind)  # type: ignore[misc]
        for kind in ("zstd", "lz4", "lzma", "lzip", "compress")
    },
    **{
        kind: lambda kind=kind: by_libarchive(MEMBERS, kind)  # type: ignore[misc]
        for kind in ("cpio", "cpio_newc", "ar_bsd", "ar_svr4", "iso9660", "xar")
    },
    "cab": lambda: packed.cabinet(MEMBERS),
    "rar4": lambda: packed.rar4(MEMBERS),
    "rar5": lambda: packed.rar5(MEMBERS),
    "lha": lambda: packed.lha(MEMBERS),
    "rpm": lambda: packed.rpm(MEMBERS),
}


def nested(content: bytes, depth: int) -> bytes:
    for _ in range(depth):
        content = zipped({"x": content})
    return content


@pytest.mark.parametrize("kind", ARCHIVES)
def test_every_kind_of_archive_is_read(tmp_path: Path, kind: str) -> None:
    found = unpacked(tmp_path, ARCHIVES[kind]())
    assert found == Found([], [(0, name, content, []) for name, content in MEMBERS.items()])


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "lz4", "lzma", "lzip", "compress"])
def test_a_single_compressed_file_is_read(tmp_path: Path, kind: str) -> None:
    content = bytes(2000) + os.urandom(2000)
    assert unpacked(tmp_path, packed.compressed_by(kind, content)) == Found([], [(0, "data", content, [])])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_nothing_holds_nothing(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert unpacked(tmp_path, pack(b"")) == Found([], [])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("password", [None, "infected"])
def test_every_common_method_of_zip_is_read(tmp_path: Path, method: int, password: str | None) -> None:
    content = os.urandom(200_000) + bytes(200_000)
    sample = zipped({"folder/": b"", "folder/member": content}, method=method, password=password)
    assert content in unpacked(tmp_path, sample).contents


def test_an_unknown_method_of_zip_is_unsupported_and_the_next_member_is_read(tmp_path: Path) -> None:
    sample = zipped({"x": b"first"}, method=zipfile.ZIP_STORED)
    method = sample.index(b"PK\x01\x02") + 10
    sample = sample[:method] + b"\x62\x00" + sample[method + 2 :]
    assert unpacked(tmp_path, sample).members == [(0, "x", None, ["archive_unsupported"])]


@pytest.mark.parametrize(
    "sample",
    [
        b"",
        b"text",
        b"MZ" + bytes(range(256)) * 20,
        b"\x7fELF" + bytes(500),
        bytes(40_000),
        b"%PDF-1.7 PK\x05\x06" + bytes(18),
        b"\x60\xea rest",
        b"\x5d\x00\x00 rest",
        b"\x1f\x9d\x00 rest",
        b"\xc7\x71 rest" + bytes(30),
        b"BZh9 rest",
    ],
)
def test_what_is_no_archive_has_neither_members_nor_faults(tmp_path: Path, sample: bytes) -> None:
    assert unpacked(tmp_path, sample) == Found([], [])


@pytest.mark.parametrize(
    ("sample", "fault"),
    [
        (b"7z\xbc\xaf\x27\x1c rest", "archive_broken"),
        (b"Rar!\x1a\x07\x01\x00 rest", "archive_broken"),
        (b"Rar!\x1a\x07\x00 rest", "archive_broken"),
        (gzip.compress(b"x", mtime=0)[:12], "archive_broken"),
        (b"\xfd7zXZ\x00 rest", "archive_broken"),
        (b"\x28\xb5\x2f\xfd rest", "archive_broken"),
        (bytes(257) + b"ustar" + bytes(250), "archive_broken"),
        (b"MSCF\x00\x00\x00\x00 rest", "archive_broken"),
        (bytes(32769) + b"CD001", "archive_broken"),
        (b"!<arch>\ndebian-binary", "archive_broken"),
        (b"070701 rest", "archive_broken"),
        (b"PK\x03\x04 rest", "archive_broken"),
        (bytes(7) + b"**ACE** rest", "archive_unsupported"),
        (b"MSWIM\x00\x00\x00 rest", "archive_unsupported"),
    ],
)
def test_what_calls_itself_an_archive_and_cannot_be_read_is_reported(tmp_path: Path, sample: bytes, fault: str) -> None:
    assert unpacked(tmp_path, sample) == Found([fault], [])
    (tmp_path / "outer").mkdir()
    assert unpacked(tmp_path / "outer", zipped({"x": sample}, method=pyzipper.ZIP_STORED)).members == [
        (0, "x", sample, [fault])
    ]


def test_members_of_members_come_after_all_of_their_parents_archive(tmp_path: Path) -> None:
    inner, outer = zipped({"deep": b"deep"}), b"outer"
    found = unpacked(tmp_path, tarred({"inner": inner, "outer": outer}, mode="w:gz"))
    assert found == Found([], [(0, "inner", inner, []), (0, "outer", outer, []), (1, "deep", b"deep", [])])


def test_the_third_archive_in_archives_is_read_and_the_fourth_stays_packed(tmp_path: Path) -> None:
    assert unpacked(tmp_path, nested(b"bottom", 3)).contents[-1] == b"bottom"
    (tmp_path / "deeper").mkdir()
    found = unpacked(tmp_path / "deeper", nested(b"bottom", 4))
    assert found.members[-1] == (2, "x", nested(b"bottom", 1), LIMITED)
    assert found.faults == []


def test_an_archive_of_other_archives_that_passes_for_a_zip_as_well_is_read_as_both(tmp_path: Path) -> None:
    found = unpacked(tmp_path, tarred({"tar": b"in the tar"}) + zipped({"zip": b"in the zip"}))
    assert found.contents == [b"in the tar", b"in the zip"]


def test_a_zip_at_the_end_of_a_tar_is_found_once(tmp_path: Path) -> None:
    inner = zipped({"x": b"x"})
    assert unpacked(tmp_path, tarred({"inner": inner})).contents == [inner, b"x"]


def test_links_and_devices_are_listed_without_content_and_folders_are_not(tmp_path: Path) -> None:
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    entries = [special(f"entry {number}", kind) for number, kind in enumerate(kinds)]
    found = unpacked(tmp_path, tarred({"file": b"content"}, special("folder", tarfile.DIRTYPE), *entries))
    links = [(0, f"entry {number}", None, ["link_skipped"]) for number in range(5)]
    assert found == Found([], [(0, "file", b"content", []), *links])


def zip_of_links(**targets: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, target in targets.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, target)
    return file.getvalue()


def test_a_link_in_a_zip_is_a_link_only_when_its_content_could_be_a_path(tmp_path: Path) -> None:
    program = b"MZ\x00\x01 not a path"
    found = unpacked(tmp_path, zip_of_links(link=b"../../etc/passwd", disguised=program, long=b"a" * 5000))
    assert found.members == [
        (0, "link", None, ["link_skipped"]),
        (0, "disguised", program, []),
        (0, "long", b"a" * 5000, []),
    ]


def test_nameless_members_are_read_and_only_empty_folders_are_passed_over(tmp_path: Path) -> None:
    sample = zipped({"@": b"nameless", "folder/": b"", "disguised/": b"a file"}, method=pyzipper.ZIP_STORED)
    assert unpacked(tmp_path, sample.replace(b"@", b"\0")).contents == [b"nameless", b"a file"]
