"""Every hostile sample ends within the limits, with an outcome, and touches nothing outside of its folder."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sigreq.domain.limits import UnpackLimits
from tests.scanning.hostile import HOSTILE
from tests.scanning.unpacked import unpacked

LIMITS = UnpackLimits(members=200, member_bytes=8 << 20, total_bytes=32 << 20, seconds=10)
# What has nothing in it that could be hidden.
HARMLESS = {"nothing", "sparse_file", "bad_paths", "bad_paths_tar", "bad_paths_7z"}
HARMLESS |= {"long_names", "long_names_tar", "many_gzip_members"}
# Harmless to us here, whose memory has no limit.
HARMLESS |= {"lzma_dictionary"}
ESCAPED = [Path("/tmp/escaped"), Path("/escaped")]  # noqa: S108


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_sample_ends_within_the_limits_and_is_reported(tmp_path: Path, name: str) -> None:
    sample = tmp_path / "sample"
    HOSTILE[name](sample)
    before, used = set(tmp_path.parent.iterdir()), time.process_time()
    found = unpacked(tmp_path, sample, limits=LIMITS)
    assert time.process_time() - used < LIMITS.seconds + 2  # other work on the machine does not count
    assert len(found.members) <= LIMITS.members
    sizes = [len(content) for content in found.contents if content is not None]
    assert max(sizes, default=0) <= LIMITS.member_bytes
    assert sum(sizes) <= LIMITS.total_bytes
    assert bool(found.all_faults) == (name not in HARMLESS)
    assert set(tmp_path.iterdir()) == {sample, tmp_path / "private"}
    assert set(tmp_path.parent.iterdir()) == before
    assert not any(path.exists() for path in ESCAPED)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("million_empty_members", "archive_limit"),
        ("million_empty_members_7z", "archive_limit"),
        ("million_empty_members_tar", "archive_limit"),
        ("overlapping_bomb", "archive_limit"),
        ("gzip_layers", "archive_limit"),
        ("sparse_tar_member", "archive_limit"),
        ("truncated", "archive_broken"),
        ("lying_directory", "archive_broken"),
        ("unknown_password_7z", "archive_encrypted"),
    ],
)
def test_the_fault_stands_at_the_archive_concerned(tmp_path: Path, name: str, fault: str) -> None:
    sample = tmp_path / "sample"
    HOSTILE[name](sample)
    assert unpacked(tmp_path, sample, limits=replace(LIMITS, members=100)).faults == [fault]
    shutil.rmtree(tmp_path)


def test_names_are_kept_as_text_only(tmp_path: Path) -> None:
    names = []
    for number, hostile in enumerate(["bad_paths_7z", "long_names"]):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        HOSTILE[hostile](folder / "sample")
        names += [name for _, name, _, _ in unpacked(folder, folder / "sample").members]
    assert "../../../../tmp/escaped" in names
    assert "/tmp/escaped" in names  # noqa: S108
    assert "a" * 255 in names
    assert all("\0" not in name and name.encode().decode() == name for name in names)


def test_a_zip_with_a_name_in_no_encoding_is_read_all_the_same(tmp_path: Path) -> None:
    HOSTILE["bad_names"](tmp_path / "sample")
    found = unpacked(tmp_path, tmp_path / "sample")
    assert (found.contents, found.faults) == ([b"content"], ["archive_broken"])
