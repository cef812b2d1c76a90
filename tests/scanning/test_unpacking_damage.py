"""Damaged and lying archives are read as far as can be, and reported."""

import bz2
import gzip
import lzma
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pyzipper
from hypothesis import given, settings
from hypothesis import strategies as st

from sigreq.scanning.unpacking import unpack
from tests.scanning.packed import by_libarchive, seven_zipped, tarred, zipped
from tests.scanning.unpacked import LIMITS, Found, unpacked

BROKEN = ["archive_broken"]
HIDDEN = b"never seen otherwise"


@pytest.mark.parametrize("cut", [1, 40, 100])
def test_a_truncated_zip_is_broken(tmp_path: Path, cut: int) -> None:
    assert unpacked(tmp_path, zipped({"x": os.urandom(200)})[:-cut]).all_faults == set(BROKEN)


def test_of_zips_glued_together_the_first_is_not_passed_over(tmp_path: Path) -> None:
    found = unpacked(tmp_path, zipped({"x": b"first"}) + zipped({"x": b"last"}))
    assert found == Found(BROKEN, [(0, "x", b"last", [])])


def test_a_zip_with_more_entries_than_it_counts_is_broken(tmp_path: Path) -> None:
    sample = bytearray(zipped({"x": b"1", "y": b"2"}))
    sample[-14:-10] = b"\1\0\1\0"
    assert unpacked(tmp_path, bytes(sample)).faults == BROKEN


def test_a_corrupt_member_is_kept_as_far_as_it_can_be_read_and_broken(tmp_path: Path) -> None:
    content = os.urandom(200)
    sample = bytearray(zipped({"x": content, "y": b"next"}, method=pyzipper.ZIP_STORED))
    sample[100] ^= 0xFF
    (_, _, changed, faults), following = unpacked(tmp_path, bytes(sample)).members
    assert changed != content
    assert (faults, following) == (BROKEN, (0, "y", b"next", []))


@pytest.mark.parametrize("password", [None, "infected"])
def test_a_member_that_announces_less_than_it_holds_is_read_whole_and_broken(
    tmp_path: Path, password: str | None
) -> None:
    content = b"harmless" * 100
    sample, size = zipped({"x": content}, password=password), len(content).to_bytes(4, "little")
    assert sample.count(size) == 2
    assert unpacked(tmp_path, sample.replace(size, bytes(4))).members == [(0, "x", content, BROKEN)]


def test_when_our_own_disk_is_full_the_archive_is_not_blamed(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "member-1").write_bytes(b"in the way")
    sample = tmp_path / "sample"
    sample.write_bytes(zipped({"x": b"content"}))
    with pytest.raises(FileExistsError):
        unpack(sample, tmp_path / "private", [], LIMITS)


@given(st.lists(st.binary(max_size=200).map(b"plain".__add__), max_size=5), st.sampled_from([None, "infected"]))
def test_what_was_packed_is_what_comes_out(members: list[bytes], password: str | None) -> None:
    named = {f"{number}": content for number, content in enumerate(members)}
    with tempfile.TemporaryDirectory() as folder:
        limits = replace(LIMITS, ratio=10_000)
        assert unpacked(Path(folder), zipped(named, password=password), limits=limits).contents == members


INNER = zipped({"c": b"third " * 30})
DAMAGED = [
    zipped({"a": b"first " * 30, "b": INNER}),
    zipped({"a": b"first " * 30, "b": INNER}, password="infected"),
    tarred({"a": b"first " * 30}, mode="w:xz"),
    seven_zipped({"a": b"first " * 30}),
    seven_zipped({"a": b"first " * 30}, password="infected"),
    by_libarchive({"a": b"first " * 30}, "7zip"),
]
WHOLE = {b"first " * 30, b"third " * 30, INNER}


@settings(max_examples=250)
@given(
    st.sampled_from(DAMAGED),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_damage_never_escapes_and_never_passes_for_another_content(
    sample: bytes, damage: list[tuple[int, int]]
) -> None:
    changed = bytearray(sample)
    for position, value in damage:
        changed[position % len(changed)] = value
    with tempfile.TemporaryDirectory() as folder:
        found = unpacked(Path(folder), bytes(changed))
    assert found.all_faults or {content for content in found.contents if content} <= WHOLE


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_what_stands_behind_the_end_of_a_compressed_tar_is_not_passed_over(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    both = tarred({"first": b"first"}) + tarred({"behind": b"never seen otherwise"})
    assert "archive_broken" in unpacked(tmp_path, compress(both)).faults


def test_what_stands_between_two_gzip_streams_is_not_passed_over(tmp_path: Path) -> None:
    sample = gzip.compress(b"first") + b"junk" + gzip.compress(b"never seen otherwise")
    assert unpacked(tmp_path, sample).faults == ["archive_broken"]


def test_gzip_streams_in_a_row_are_whole(tmp_path: Path) -> None:
    sample = b"".join(gzip.compress(os.urandom(200_000)) for _ in range(3)) + bytes(512)
    assert unpacked(tmp_path, sample).faults == []


def test_a_member_of_a_zip_that_its_directory_does_not_name_is_not_passed_over(tmp_path: Path) -> None:
    glued = zipped({"a": HIDDEN}) + zipped({"b": b"b"})
    for number, sample in enumerate([glued, b"X" + glued]):
        (tmp_path / f"{number}").mkdir()
        assert unpacked(tmp_path / f"{number}", sample).faults == BROKEN
