"""What one worker has compiled, the others of the machine take; unless a stranger may have put it there."""

import asyncio
import os
from pathlib import Path

import pytest

from sigreq.domain.faults import Fault
from sigreq.scanning.scanner import Scanner
from sigreq.scanning.shared import SharedFiles
from tests.scanning.support import NEEDLE, RULESET, scan


def prepared_without_a_compiler(folder: Path) -> Fault | None:
    """By a scanner that shares with the others of this folder, and whose compilers are closed."""

    async def prepare() -> Fault | None:
        scanner = Scanner(folder / "second", shared=folder / "shared")
        await scanner.close()
        return await scanner.prepare(RULESET)

    return asyncio.run(prepare())


def compiled_by_another(folder: Path) -> None:
    async def compile_and_scan() -> None:
        scanner = Scanner(folder / "first", shared=folder / "shared", places=1)
        try:
            assert (await scan(scanner, NEEDLE)).detections == ("Needle",)
        finally:
            await scanner.close()

    asyncio.run(compile_and_scan())


def test_what_one_scanner_has_compiled_another_takes(tmp_path: Path) -> None:
    assert prepared_without_a_compiler(tmp_path) == Fault.CHILD_DIED
    compiled_by_another(tmp_path)
    assert prepared_without_a_compiler(tmp_path) is None


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_nothing_is_taken_from_where_others_may_write(tmp_path: Path, mode: int) -> None:
    compiled_by_another(tmp_path)
    (tmp_path / "shared").chmod(mode)
    assert prepared_without_a_compiler(tmp_path) == Fault.CHILD_DIED


def test_nothing_is_taken_from_another_users_folder_or_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled_by_another(tmp_path)
    user = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: user + 1)
    assert prepared_without_a_compiler(tmp_path) == Fault.CHILD_DIED
    monkeypatch.undo()
    (tmp_path / "shared").rename(tmp_path / "elsewhere")
    (tmp_path / "shared").symlink_to(tmp_path / "elsewhere")
    assert prepared_without_a_compiler(tmp_path) == Fault.CHILD_DIED


def test_what_was_left_or_taken_last_stays_and_a_taken_file_outlives_its_place(tmp_path: Path) -> None:
    files = SharedFiles(tmp_path / "shared", 2)
    for age, name in enumerate(("a", "b")):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (age, age))
        files.leave(name, tmp_path / name)
    assert files.take("a", tmp_path / "taken a")
    assert files.take("b", tmp_path / "taken b")
    os.utime(tmp_path / "b", (3, 3))
    (tmp_path / "c").write_text("c")
    files.leave("c", tmp_path / "c")
    assert {each.name for each in (tmp_path / "shared").iterdir()} == {"a", "c"}
    assert not files.take("b", tmp_path / "again")
    assert (tmp_path / "taken b").read_text() == "b"


def test_where_nothing_can_be_left_nothing_is_shared_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("")
    files = SharedFiles(tmp_path / "no folder", 2)
    (tmp_path / "a").write_text("a")
    files.leave("a", tmp_path / "a")
    assert not files.take("a", tmp_path / "taken")
