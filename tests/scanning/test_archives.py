"""Members of archives are scanned too, within limits."""

import gzip
import hashlib
import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning import archive
from sigreq.scanning.archive import Unpacker
from tests.scanning.support import NEEDLE, RULESET, scan_once, zipped

CLEAN = ScanResult(Outcome.CLEAN)
DETECTED = ScanResult(Outcome.DETECTED, ("Needle",))
# Deflated, the needle cannot be found in the raw file.
HIT = NEEDLE * 20
LIMIT = ScanResult.not_scanned("archive_limit")
ENCRYPTED = ScanResult.not_scanned("archive_encrypted")
BROKEN = ScanResult.not_scanned("archive_broken")
# As Python's zipfile announces it: 8 MiB.
DICTIONARY_SIZE = (8 << 20).to_bytes(4, "little")


def nested(content: bytes, depth: int) -> bytes:
    for _ in range(depth):
        content = zipped(b"other", content)
    return content


def packed_by_lzma(content: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression=zipfile.ZIP_LZMA) as packed:
        packed.writestr("member", content)
    assert DICTIONARY_SIZE in file.getvalue()
    return file.getvalue()


def unpack(content: bytes, allowed: tuple[str, ...] = ()) -> tuple[list[bytes], list[str]]:
    faults: list[str] = []
    return list(Unpacker([b"infected"], allowed, faults).contents(BytesIO(content))), faults


def test_a_hit_in_any_member_is_a_hit(tmp_path: Path) -> None:
    sample = zipped(b"harmless", b"", HIT)
    assert NEEDLE not in sample
    assert scan_once(tmp_path, sample) == DETECTED


def test_an_archive_of_harmless_members_is_clean(tmp_path: Path) -> None:
    assert scan_once(tmp_path, zipped(b"harmless", b"")) == CLEAN
    assert scan_once(tmp_path, zipped()) == CLEAN


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_common_method_of_compression_is_read(method: int) -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression=method) as packed:
        packed.mkdir("folder")
        packed.writestr("folder/member", HIT)
    assert unpack(file.getvalue()) == ([HIT], [])


def test_a_hit_three_archives_deep_is_found(tmp_path: Path) -> None:
    assert scan_once(tmp_path, nested(HIT, 3)) == DETECTED


def test_an_archive_four_deep_is_over_the_limit(tmp_path: Path) -> None:
    assert scan_once(tmp_path, nested(b"harmless", 3)) == CLEAN
    assert scan_once(tmp_path, nested(b"harmless", 4)) == LIMIT


def test_an_archive_behind_a_program_is_read(tmp_path: Path) -> None:
    assert scan_once(tmp_path, b"MZ" + os.urandom(1000) + zipped(HIT)) == DETECTED


def test_an_allowed_member_is_not_a_hit(tmp_path: Path) -> None:
    ruleset = RULESET.with_allowed(hashlib.sha256(HIT).hexdigest())
    assert scan_once(tmp_path, zipped(HIT), ruleset) == CLEAN
    assert scan_once(tmp_path, zipped(HIT, HIT + b"!"), ruleset) == DETECTED


@pytest.mark.parametrize("password", [None, "wrong", ""])
def test_the_conventional_password_is_tried_whatever_was_given(tmp_path: Path, password: str | None) -> None:
    assert scan_once(tmp_path, zipped(HIT, password=b"infected"), password=password) == DETECTED


def test_the_given_password_opens_the_archive(tmp_path: Path) -> None:
    assert scan_once(tmp_path, zipped(HIT, password="geheim-ß".encode()), password="geheim-ß") == DETECTED
    assert scan_once(tmp_path, zipped(b"harmless", password=b"other"), password="other") == CLEAN


@pytest.mark.parametrize("password", [None, "wrong", "\ud800"])
def test_an_archive_no_password_opens_is_not_clean(tmp_path: Path, password: str | None) -> None:
    assert scan_once(tmp_path, zipped(b"harmless", password=b"other"), password=password) == ENCRYPTED


def test_a_hit_outweighs_a_member_that_could_not_be_read(tmp_path: Path) -> None:
    file = BytesIO(zipped(b"harmless", password=b"other"))
    with zipfile.ZipFile(file, "a", compression=zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("member", HIT)
    assert scan_once(tmp_path, file.getvalue()) == DETECTED


def test_a_bomb_is_over_the_limit_and_outweighed_by_a_hit_before_it(tmp_path: Path) -> None:
    bomb = bytes(64 << 20)
    assert scan_once(tmp_path, zipped(bomb)) == LIMIT
    assert scan_once(tmp_path, zipped(zipped(bomb))) == LIMIT
    assert scan_once(tmp_path, zipped(HIT, bomb)) == DETECTED


def test_a_bomb_does_not_hide_what_follows_its_archive(tmp_path: Path) -> None:
    filler = os.urandom(1 << 20)
    assert scan_once(tmp_path, zipped(filler, zipped(bytes(64 << 20)), HIT)) == DETECTED


def test_a_thousand_members_are_read_and_one_more_is_over_the_limit() -> None:
    assert unpack(zipped(*[b"x"] * 1000)) == ([b"x"] * 1000, [])
    assert unpack(zipped(*[b"x"] * 1001)) == ([b"x"] * 1000, ["archive_limit"])


def test_a_member_of_the_largest_size_is_read_and_a_larger_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 100_000)
    fits, too_large = os.urandom(100_000), os.urandom(100_001)
    assert unpack(zipped(too_large, fits)) == ([fits], ["archive_limit"])


def test_the_bytes_of_all_members_at_all_depths_are_counted_together() -> None:
    halves = [os.urandom(50_000), os.urandom(50_000)]
    inner = zipped(halves[1])
    sample = zipped(halves[0], inner)
    total = 100_000 + len(inner)
    for ceiling, expected in ((total, []), (total - 1, ["archive_limit"])):
        faults: list[str] = []
        found = list(Unpacker([], (), faults).contents(BytesIO(sample), ceiling=ceiling))
        assert (len(found), faults) == (3 - len(expected), expected)


@pytest.mark.parametrize("password", [None, b"infected"])
def test_a_member_that_announces_less_than_it_holds_is_read_whole_and_never_clean(
    tmp_path: Path,
    password: bytes | None,
) -> None:
    for content, expected in ((HIT, DETECTED), (b"harmless" * 100, BROKEN)):
        sample = zipped(content, password=password)
        size = len(content).to_bytes(4, "little")
        assert sample.count(size) == 2
        assert scan_once(tmp_path, sample.replace(size, bytes(4))) == expected


def test_nameless_members_are_read_and_only_empty_folders_are_passed_over() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("@", b"nameless")
        packed.writestr("folder/", b"")
        packed.writestr("disguised/", b"a file")
    assert unpack(file.getvalue().replace(b"@", b"\0")) == ([b"nameless", b"a file"], [])


def test_a_member_that_asks_for_too_much_memory_is_not_scanned_but_the_others_are(tmp_path: Path) -> None:
    greedy = packed_by_lzma(b"harmless").replace(DICTIONARY_SIZE, b"\xff\xff\xff\xff")
    assert scan_once(tmp_path, packed_by_lzma(b"harmless")) == CLEAN
    assert scan_once(tmp_path, greedy) == ScanResult.not_scanned("out_of_memory")
    assert scan_once(tmp_path, zipped(greedy, HIT)) == DETECTED


@pytest.mark.parametrize("cut", [1, 40, 100])
def test_a_truncated_archive_is_broken(tmp_path: Path, cut: int) -> None:
    assert scan_once(tmp_path, zipped(os.urandom(200))[:-cut]) == BROKEN


def test_of_archives_glued_together_the_first_is_not_passed_over(tmp_path: Path) -> None:
    assert scan_once(tmp_path, zipped(HIT) + zipped(b"harmless")) == BROKEN


def test_a_corrupt_member_is_broken(tmp_path: Path) -> None:
    sample = bytearray(zipped(os.urandom(200)))
    sample[100] ^= 0xFF
    assert scan_once(tmp_path, bytes(sample)) == BROKEN


@pytest.mark.parametrize(
    "sample",
    [
        gzip.compress(b"harmless"),
        b"7z\xbc\xaf\x27\x1c rest",
        b"Rar!\x1a\x07\x01\x00 rest",
        b"BZh91AY&SY rest",
        b"\xfd7zXZ\x00 rest",
        b"\x28\xb5\x2f\xfd rest",
        bytes(257) + b"ustar" + bytes(250),
        b"MSCF\x00\x00\x00\x00 rest",
        bytes(32769) + b"CD001",
        b"!<arch>\ndebian-binary",
        b"070701 rest",
        b"\x5d\x00\x00\x80\x00 rest",
        b"\x1f\x9d\x90 rest",
    ],
    ids=["gzip", "7z", "rar", "bzip2", "xz", "zstd", "tar", "cab", "iso", "ar", "cpio", "lzma", "compress"],
)
def test_an_archive_of_another_kind_is_not_clean(tmp_path: Path, sample: bytes) -> None:
    unsupported = ScanResult.not_scanned("archive_unsupported")
    assert scan_once(tmp_path, sample) == unsupported
    assert scan_once(tmp_path, zipped(sample)) == unsupported


def test_a_raw_hit_on_an_archive_of_another_kind_is_a_hit(tmp_path: Path) -> None:
    assert scan_once(tmp_path, b"Rar!\x1a\x07\x01\x00" + NEEDLE) == DETECTED


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200).map(b"plain".__add__), max_size=5), st.sampled_from([None, b"infected"]))
def test_what_was_packed_is_what_comes_out(members: list[bytes], password: bytes | None) -> None:
    assert unpack(zipped(*members, password=password)) == (members, [])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
def test_damage_never_escapes_and_never_passes_for_another_content(
    damage: list[tuple[int, int]],
    is_encrypted: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    members = [b"first " * 30, b"second " * 30, zipped(b"third " * 30)]
    sample = bytearray(zipped(*members, password=b"infected" if is_encrypted else None))
    for position, value in damage:
        sample[position % len(sample)] = value
    found, faults = unpack(bytes(sample))
    whole = {*members, b"third " * 30}
    assert faults or set(found) <= whole
