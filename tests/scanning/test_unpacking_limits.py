"""Each limit of unpacking: what is within it is read, what is beyond it is reported, and siblings are still read."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sigreq.domain.limits import UnpackLimits
from sigreq.scanning.archives import others
from tests.scanning.packed import by_libarchive, seven_zipped, special, tarred, zipped
from tests.scanning.unpacked import LIMITS, Found, unpacked

LIMITED = ["archive_limit"]
ROOT = Path(__file__).parents[2]


def random_members(*sizes: int) -> dict[str, bytes]:
    return {f"{number}": os.urandom(size) for number, size in enumerate(sizes)}


def test_as_many_members_as_allowed_are_read_and_one_more_is_over_the_limit(tmp_path: Path) -> None:
    limits = replace(LIMITS, members=50)
    for number, expected in ((50, []), (51, LIMITED)):
        (tmp_path / f"{number}").mkdir()
        found = unpacked(tmp_path / f"{number}", zipped({f"{n}": b"x" for n in range(number)}), limits=limits)
        assert (found.contents, found.faults) == ([b"x"] * 50, expected)


def test_links_folders_and_empty_files_count_as_members_at_all_depths_together(tmp_path: Path) -> None:
    entries = [special("link", b"2"), special("folder", b"5")]
    sample = zipped({"folder/": b"", "empty": b"", "inner": tarred({"file": b"content"}, *entries)})
    for members, expected in ((6, []), (5, LIMITED)):
        (tmp_path / f"{members}").mkdir()
        found = unpacked(tmp_path / f"{members}", sample, limits=replace(LIMITS, members=members))
        assert found.members[1][3] == expected
        assert found.faults == []


@pytest.mark.parametrize("pack", [zipped, tarred, seven_zipped])
def test_a_member_of_the_largest_size_is_read_and_a_larger_one_is_not(tmp_path: Path, pack: object) -> None:
    members = random_members(100_001, 100_000)
    found = unpacked(tmp_path, pack(members), limits=replace(LIMITS, member_bytes=100_000))  # type: ignore[operator]
    assert found == Found([], [(0, "0", None, LIMITED), (0, "1", members["1"], [])])


def test_the_bytes_of_all_members_at_all_depths_are_counted_together(tmp_path: Path) -> None:
    inner = zipped(random_members(50_000))
    sample, total = zipped({"x": os.urandom(50_000), "inner": inner}), 100_000 + len(inner)
    for ceiling, expected in ((total, []), (total - 1, LIMITED)):
        (tmp_path / f"{ceiling}").mkdir()
        found = unpacked(tmp_path / f"{ceiling}", sample, limits=replace(LIMITS, total_bytes=ceiling))
        assert (found.members[1][3], found.members[2][3]) == (expected, expected)


@pytest.mark.parametrize("pack", [zipped, seven_zipped, lambda members: tarred(members, mode="w:xz")])
def test_what_expands_beyond_the_ratio_is_cut_off_and_what_came_before_stays(tmp_path: Path, pack: object) -> None:
    sample = pack({"before": b"before", "bomb": bytes(8 << 20)})  # type: ignore[operator]
    found = unpacked(tmp_path, sample)
    assert found == Found(LIMITED, [(0, "before", b"before", []), (0, "bomb", None, LIMITED)])


def test_a_bomb_in_an_archive_does_not_hide_what_follows_it(tmp_path: Path) -> None:
    bomb, following = zipped({"zeros": bytes(8 << 20)}), zipped({"deep": b"deep"})
    members = {"filler": os.urandom(100_000), "bomb": bomb, "after": b"after", "following": following}
    found = unpacked(tmp_path, zipped(members))
    assert found.contents == [*members.values(), None, b"deep"]
    assert [faults for *_, faults in found.members] == [[], LIMITED, [], [], LIMITED, []]


def test_what_inner_archives_give_counts_against_the_ratio_of_the_outer_one(tmp_path: Path) -> None:
    inner = zipped({"x": bytes(1_000_000)})
    sample = seven_zipped({f"{number}": inner for number in range(20)})
    found = unpacked(tmp_path, sample, limits=replace(LIMITS, ratio=500))
    sizes = [len(content) for content in found.contents if content is not None]
    assert "archive_limit" in found.all_faults
    assert 1_000_000 in sizes
    assert sum(sizes) <= max(1 << 20, 500 * len(sample))


def test_when_the_time_is_up_unpacking_ends_and_says_so(tmp_path: Path) -> None:
    used = time.process_time()
    found = unpacked(tmp_path, zipped(random_members(10)), limits=replace(LIMITS, seconds=0))
    assert found == Found(["timeout"], [])
    sample = by_libarchive({"x": os.urandom(20_000_000)}, "zip", password="infected")
    (tmp_path / "slow").mkdir()
    found = unpacked(tmp_path / "slow", sample, limits=replace(LIMITS, seconds=1))
    assert found == Found(["timeout"], [(0, "x", None, ["timeout"])])
    assert time.process_time() - used < 5


IN_LITTLE_MEMORY = """
import json, resource, sys
from pathlib import Path
from sigreq.domain.limits import UnpackLimits
from sigreq.scanning.unpacking import unpack
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
print(json.dumps(unpack(Path(sys.argv[1]), Path(sys.argv[2]), [], UnpackLimits())))
"""


def test_a_member_that_asks_for_too_much_memory_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    greedy = zipped({"x": b"content"}, method=14).replace((8 << 20).to_bytes(4, "little"), b"\xff\xff\xff\xff")
    sample, folder = tmp_path / "sample", tmp_path / "private"
    sample.write_bytes(zipped({"greedy": greedy, "other": b"content"}))
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", IN_LITTLE_MEMORY, sample, folder], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert '"name": "x", "size": null, "faults": ["out_of_memory"]' in done.stdout
    assert (folder / "member-2").read_bytes() == b"content"


def test_without_libarchive_zip_and_7z_are_read_and_the_rest_is_said_to_lack_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "ffi", None)
    members = {"x": b"content"}
    sample = zipped({"zip": zipped(members), "7z": seven_zipped(members), "tar": tarred(members)})
    found = unpacked(tmp_path, sample)
    assert [faults for *_, faults in found.members] == [[], [], ["library_missing"], [], []]
    assert found.contents[3:] == [b"content", b"content"]


def test_what_is_no_archive_costs_next_to_nothing(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(b"text " * 2_000_000)
    started = time.process_time()
    for number in range(50):
        (tmp_path / f"{number}").mkdir()
        unpacked(tmp_path / f"{number}", sample, limits=UnpackLimits())
    assert (time.process_time() - started) / 50 < 0.01


def test_a_file_larger_than_the_process_may_write_is_not_blamed_on_the_archive(tmp_path: Path) -> None:
    code = IN_LITTLE_MEMORY.replace("RLIMIT_AS, (1 << 30, 1 << 30)", "RLIMIT_FSIZE, (1000, 1000)")
    sample, folder = tmp_path / "sample", tmp_path / "private"
    sample.write_bytes(zipped(random_members(5000)))
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, sample, folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "OSError: [Errno 27] File too large"
