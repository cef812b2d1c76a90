"""Encrypted archives are opened by the passwords given, and nothing else passes for their content."""

import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.scanning import packed
from tests.scanning.packed import by_libarchive, seven_zipped, zipped
from tests.scanning.unpacked import Found, unpacked

MEMBERS = {"first": os.urandom(3000), "second": b"inert " * 40}
CONTENTS = list(MEMBERS.values())
LOCKED = ["archive_encrypted"]


@pytest.mark.parametrize("kind", ["zip", "7z", "7z header", "old zip"])
@pytest.mark.parametrize("password", ["infected", "malware", "geheim-ß"])
def test_each_password_is_tried_at_each_depth(tmp_path: Path, kind: str, password: str) -> None:
    build = {
        "zip": lambda: zipped(MEMBERS, password=password),
        "7z": lambda: seven_zipped(MEMBERS, password=password),
        "7z header": lambda: seven_zipped(MEMBERS, password=password, is_header_encrypted=True),
        "old zip": lambda: by_libarchive(MEMBERS, "zip", password=password),
    }
    sample = zipped({"inner": build[kind]()}, password="virus")
    found = unpacked(tmp_path, sample, passwords=["geheim-ß", "infected", "virus", "malware"])
    assert found.contents[1:] == CONTENTS
    assert found.all_faults == set()


@pytest.mark.parametrize("passwords", [[], ["wrong"], ["\ud800", "", "x" * 10_000]])
@pytest.mark.parametrize("kind", ["zip", "7z", "old zip"])
def test_what_no_password_opens_is_listed_and_encrypted(tmp_path: Path, kind: str, passwords: list[str]) -> None:
    build = {
        "zip": lambda: zipped(MEMBERS, password="unknown"),
        "7z": lambda: seven_zipped(MEMBERS, password="unknown"),
        "old zip": lambda: by_libarchive(MEMBERS, "zip", password="unknown"),
    }
    found = unpacked(tmp_path, build[kind](), passwords=passwords)
    assert found == Found([], [(0, name, None, LOCKED) for name in MEMBERS])


def test_what_has_its_names_encrypted_too_is_encrypted_as_a_whole(tmp_path: Path) -> None:
    sample = seven_zipped(MEMBERS, password="unknown", is_header_encrypted=True)
    assert unpacked(tmp_path, sample) == Found(LOCKED, [])


def test_encrypted_rar_is_said_to_be_encrypted(tmp_path: Path) -> None:
    assert unpacked(tmp_path, packed.rar4({"x": b"content"}, flags=4)).members == [(0, "x", None, LOCKED)]
    (tmp_path / "other").mkdir()
    assert unpacked(tmp_path / "other", packed.rar4({"x": b"content"}, archive_flags=0x80)) == Found(LOCKED, [])


def test_a_wrong_password_that_passes_the_old_check_brings_no_garbage(tmp_path: Path) -> None:
    wrong = [f"wrong {number}" for number in range(1000)]
    found = unpacked(tmp_path, by_libarchive({"x": b"content"}, "zip", password="right"), passwords=wrong)
    assert found.members == [(0, "x", None, LOCKED)]
    (tmp_path / "right").mkdir()
    sample = by_libarchive({"x": b"content"}, "zip", password="right")
    assert unpacked(tmp_path / "right", sample, passwords=[*wrong, "right"]).contents == [b"content"]


def test_a_member_that_cannot_be_decrypted_does_not_hide_the_others(tmp_path: Path) -> None:
    file = BytesIO(zipped({"locked": b"harmless"}, password="other"))
    with zipfile.ZipFile(file, "a", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("open", b"content")
    found = unpacked(tmp_path, file.getvalue())
    assert found.members == [(0, "locked", None, LOCKED), (0, "open", b"content", [])]
