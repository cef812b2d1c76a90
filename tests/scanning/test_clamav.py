"""The ClamAV that is installed here loads our bundles and scans with them; where it does not, that is said."""

import asyncio
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sigreq.domain import clamav_files
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning import clamav, clamd
from sigreq.scanning.clamav import ClamAv
from sigreq.scanning.clamav_grounds import Bundle, GroundsKeeper
from sigreq.scanning.clamav_programs import Programs
from tests.rules_for_clamav import CONTENT, DEADLY
from tests.scanning.clamav_support import ALLOWED, BUNDLE, BY_HASH, installed, load, needs_clamav, scan, with_clamav
from tests.scanning.support import zipped
from tests.world import rule

pytestmark = needs_clamav

DEADLY_RULE = DEADLY[0].source.replace("rule Marker", "rule Deadly").encode()


def with_files(files: Mapping[str, bytes]) -> Bundle:
    return replace(BUNDLE, files={**BUNDLE.files, **files})


def test_both_programs_load_a_bundle_with_all_its_signatures(tmp_path: Path) -> None:
    assert len([name for name in BUNDLE.files if name.endswith(".yar")]) == 2
    assert clamav_files.signatures(BUNDLE.files) == 5
    assert load(tmp_path, BUNDLE) is None


def test_a_bundle_without_signatures_is_loaded_by_its_canary(tmp_path: Path) -> None:
    assert load(tmp_path, Bundle.of(Ruleset())) is None


def test_detections_have_the_names_that_we_gave_them(tmp_path: Path) -> None:
    found = scan(tmp_path, BUNDLE, {"both": b"inert alpha, inert beta", "hash": BY_HASH, "other": b"inert"})
    assert {name: each.detections for name, each in found.items()} == {
        "both": ("Alpha", "Beta"), "hash": ("Known_File",), "other": (),
    }  # fmt: skip
    assert found["other"].outcome is Outcome.CLEAN
    assert {each.engine for each in found.values()} == {installed().engine}


def test_what_is_allowed_is_clean_by_itself_and_in_an_archive(tmp_path: Path) -> None:
    found = scan(tmp_path, BUNDLE, {"itself": ALLOWED, "inside": zipped(ALLOWED), "near": ALLOWED + b"!"})
    assert [found[name].outcome for name in ("itself", "inside", "near")] == [
        Outcome.CLEAN, Outcome.CLEAN, Outcome.DETECTED,
    ]  # fmt: skip


def test_what_an_archive_holds_is_detected(tmp_path: Path) -> None:
    assert scan(tmp_path, BUNDLE, {"zip": zipped(b"inert beta" * 50)})["zip"].detections == ("Beta",)


def test_an_empty_file_is_clean(tmp_path: Path) -> None:
    assert scan(tmp_path, BUNDLE, {"empty": b""})["empty"] == ScanResult(Outcome.CLEAN)


def test_what_is_encrypted_is_not_clean(tmp_path: Path) -> None:
    found = scan(tmp_path, BUNDLE, {"zip": zipped(b"inert alpha", password=b"infected")})
    assert found["zip"] == ScanResult.not_scanned("archive_encrypted")


def test_a_file_that_takes_too_long_is_not_clean_and_costs_the_others_nothing(tmp_path: Path) -> None:
    contents = {"slow": zipped(*[bytes(50 << 20)] * 4), "quick": b"inert alpha"}
    found = scan(tmp_path, BUNDLE, contents, timeout=0.05)
    assert found == {
        "slow": ScanResult.not_scanned("timeout"), "quick": ScanResult(Outcome.DETECTED, ("Alpha",)),
    }  # fmt: skip


def test_a_file_larger_than_clamav_looks_is_not_clean(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    with (tmp_path / "samples" / "large").open("wb") as file:
        file.truncate(2001 << 20)
    found = with_clamav(lambda each: each.scan(BUNDLE, tmp_path / "samples", ["large"]), tmp_path)
    assert found == {"large": ScanResult.not_scanned("archive_limit")}


def test_only_the_file_that_cannot_be_read_is_not_scanned(tmp_path: Path) -> None:
    names = [f"file{number}" for number in range(6)]
    folder = tmp_path / "samples"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"inert")
    (folder / "file3").chmod(0)
    found = with_clamav(lambda each: each.scan(BUNDLE, folder, names), tmp_path)
    clean = dict.fromkeys(names, ScanResult(Outcome.CLEAN))
    assert found == {**clean, "file3": ScanResult.not_scanned("scan_error")}


def test_no_file_is_clean_when_clamscan_dies_of_it(tmp_path: Path) -> None:
    found = scan(tmp_path, with_files({"Deadly.yar": DEADLY_RULE}), {"one": CONTENT, "two": b"2"})
    assert found == dict.fromkeys(found, ScanResult.not_scanned("child_died"))


def test_no_file_is_clean_when_the_bundle_is_not_loaded(tmp_path: Path) -> None:
    found = scan(tmp_path, with_files({"broken.hsb": b"no signature\n"}), {"one": b"1", "two": b"2"})
    assert found == dict.fromkeys(("one", "two"), ScanResult.not_scanned("scan_error"))


def test_no_file_is_clean_when_another_bundle_is_loaded(tmp_path: Path) -> None:
    other = replace(BUNDLE, files=Bundle.of(Ruleset()).files)
    assert scan(tmp_path, other, {"one": b"1"}) == {"one": ScanResult.not_scanned("scan_error")}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"broken.hsb": b"no signature\n"}, "clamscan refuses it: .*Can't load broken.hsb: Malformed database"),
        (
            {"broken.yar": b"rule Broken { condition: pe.is_pe }"},
            "clamscan loads 5 of its 6 signatures: .*broken.yar line 1",
        ),
        ({"empty.hsb": b""}, "clamscan refuses it: "),
        ({"canary.hsb": b""}, "clamscan refuses it: "),
        (
            {"Wide.yar": b'rule Wide { strings: $a = "nothing to" condition: $a }'},
            "clamscan does not find a harmless text",
        ),
        ({"Deadly.yar": DEADLY_RULE}, r"clamscan dies of it \(SIGSEGV\)"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_a_broken_bundle_is_refused_with_the_reason(tmp_path: Path, files: Mapping[str, bytes], told: str) -> None:
    assert re.match(told, load(tmp_path, with_files(files)) or "")


def test_the_canary_of_another_release_proves_nothing(tmp_path: Path) -> None:
    files = {"canary.hsb": Bundle.of(Ruleset({"Other": rule("Other", "x")})).files["canary.hsb"]}
    assert load(tmp_path, with_files(files)) == f"clamscan does not detect its canary as {BUNDLE.canary_name}"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"Deadly.yar": DEADLY_RULE}, r"clamd dies of it \(SIGSEGV\)"),
        ({"broken.hsb": b"no signature\n"}, "clamd refuses it: .*Malformed database"),
        ({"broken.yar": b"rule Broken { condition: pe.is_pe }"}, "clamd loads 5 of its 6 signatures"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_clamd_is_asked_by_itself(tmp_path: Path, files: Mapping[str, bytes], told: str) -> None:
    async def ask(_: ClamAv) -> str | None:
        async with GroundsKeeper(tmp_path).grounds(with_files(files)) as ground:
            return await clamd.load(installed(), ground)

    assert re.match(told, with_clamav(ask, tmp_path) or "")
    assert _left() == []


def test_a_clamd_that_ends_or_is_not_there_is_a_failure(tmp_path: Path) -> None:
    ends = replace(installed(), clamd=Path("/usr/bin/true"))
    assert load(tmp_path, BUNDLE, ends) == "clamd refuses it: it ends with 0"
    missing = replace(installed(), clamd=tmp_path / "clamd")
    assert load(tmp_path, BUNDLE, missing) == "clamd refuses it: it ends with 1"


def test_a_clamd_that_never_listens_is_given_up(tmp_path: Path) -> None:
    async def ask(_: ClamAv) -> str | None:
        async with GroundsKeeper(tmp_path).grounds(BUNDLE) as ground:
            return await clamd.load(installed(), ground, load_seconds=0)

    assert with_clamav(ask, tmp_path) == "clamd takes too long"
    assert _left() == []


def test_a_clamscan_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clamav, "LOAD_SECONDS", 0)
    found = scan(tmp_path, BUNDLE, {"one": b"1", "two": b"2"}, timeout=0.001)
    assert found == dict.fromkeys(("one", "two"), ScanResult.not_scanned("timeout"))
    assert load(tmp_path, BUNDLE) is None
    assert _left() == []


def test_only_bundles_are_left_of_what_was_done_each_once(tmp_path: Path) -> None:
    async def work(scanner: ClamAv) -> None:
        for _ in range(2):
            await scanner.load(BUNDLE)
        (tmp_path / "one").write_bytes(b"1")
        await scanner.scan(BUNDLE, tmp_path, ["one"])

    with_clamav(work, tmp_path)
    scan(tmp_path, with_files({"Deadly.yar": DEADLY_RULE}), {"kills": CONTENT})
    left = list((tmp_path / "work").iterdir())
    assert all(folder.name.startswith("bundle-") for folder in left)
    assert len(left) == 2
    assert _left() == []


def test_a_bundle_has_the_files_of_the_one_before_that_are_the_same_and_outlives_it(tmp_path: Path) -> None:
    changed = replace(BUNDLE, files={**BUNDLE.files, "more.yar": rule("More", "x").encode()})
    name = next(name for name in BUNDLE.files if name.endswith(".yar"))
    other = replace(changed, files={**changed.files, name: rule("Other", "y").encode()})

    async def fill() -> list[Path]:
        keeper = GroundsKeeper(tmp_path / "work")
        return [(await _database_of(keeper, each)) for each in (BUNDLE, changed, other)]

    first, second, third = asyncio.run(fill())
    for made, bundle in ((first, BUNDLE), (second, changed), (third, other)):
        assert {each.name: each.read_bytes() for each in made.iterdir()} == bundle.files
    assert _inodes(first) == {each: inode for each, inode in _inodes(second).items() if each != "more.yar"}
    assert {each for each, inode in _inodes(third).items() if _inodes(second)[each] != inode} == {name}


def test_a_bundle_is_written_where_the_one_before_is_gone(tmp_path: Path) -> None:
    changed = replace(BUNDLE, files={**BUNDLE.files, "more.yar": rule("More", "x").encode()})

    async def fill() -> Path:
        keeper = GroundsKeeper(tmp_path / "work")
        shutil.rmtree(await _database_of(keeper, BUNDLE))
        return await _database_of(keeper, changed)

    assert {each.name: each.read_bytes() for each in asyncio.run(fill()).iterdir()} == changed.files


async def _database_of(keeper: GroundsKeeper, bundle: Bundle) -> Path:
    async with keeper.grounds(bundle) as ground:
        return ground.database


def _inodes(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_ino for each in folder.iterdir()}


def test_the_programs_are_found_in_a_folder_or_not_at_all(tmp_path: Path) -> None:
    found = installed()
    for program in (found.clamscan, found.clamd):
        (tmp_path / program.name).symlink_to(program)
    assert Programs.find(tmp_path) is None, "clamdscan is missing"
    (tmp_path / "clamdscan").symlink_to(found.clamdscan)
    there = Programs.find(tmp_path)
    assert there is not None
    assert (there.version, there.clamscan) == (found.version, tmp_path / "clamscan")
    assert load(tmp_path, BUNDLE, there) is None


def test_a_program_that_says_no_version_is_not_clamav(tmp_path: Path) -> None:
    for name in ("clamscan", "clamd", "clamdscan"):
        (tmp_path / name).symlink_to("/usr/bin/true")
    assert Programs.find(tmp_path) is None


def _left() -> list[str]:
    return [each.name() for each in psutil.Process().children(recursive=True) if "clam" in each.name()]
