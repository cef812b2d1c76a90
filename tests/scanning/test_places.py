"""Places: waited for, wiped, and not to be taken in by what a child leaves or says."""

import asyncio
import json
import sys
from pathlib import Path

import psutil
import pytest

from sigreq.domain.faults import Fault
from sigreq.domain.verdict import ScanResult
from sigreq.scanning import process
from sigreq.scanning.pool import Pool
from sigreq.scanning.process import ChildDiedError, CpuLimitError, Terms
from sigreq.scanning.scanner import Place, Scanner
from tests.scanning.support import RULESET, in_place, with_scanner, written

HELLO = {
    "layers": {"landlock": 0, "seccomp": False},
    "libraries": {"libmagic": False, "libarchive": False, "libseccomp": False},
}
# A child in an enemy's hands: no lock-down, and it does and says what it likes for each line it is asked.
ENEMY = """
import json, os, sys, time
print({hello!r}, flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    {act}
"""
ABSENT = """
import sys
sys.modules["pyseccomp"] = None
from sigreq.scanning import child, sandbox
sandbox._confine = lambda allowed: 0
child.main()
"""


def children_are(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-I", "-c", code))


def enemy(monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    children_are(monkeypatch, ENEMY.format(hello=json.dumps(HELLO), act=act))


def children_in(folder: Path) -> list[psutil.Process]:
    """Those at work beneath `folder`: the tests' own servers are children of this process, too."""
    return [child for child in psutil.Process().children() if child.cwd().startswith(str(folder))]


async def asked(folder: Path, seconds: float = 10) -> bytes:
    """The reply of a child in a pool of its own."""
    places = Pool(folder / "places", 1, Terms(str(folder), 1 << 20, 0))
    try:
        async with places.place() as place:
            return await place.ask({"ask": "x"}, seconds, bytes)
    finally:
        await places.close()


def test_whoever_finds_no_free_place_waits_for_one(tmp_path: Path) -> None:
    async def enter_three(scanner: Scanner) -> tuple[int, int]:
        inside, most = 0, 0

        async def enter() -> Path:
            nonlocal inside, most
            async with scanner.place() as place:
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.05)
                inside -= 1
                return place.folder

        folders = await asyncio.gather(*(enter() for _ in range(3)))
        return most, len(set(folders))

    assert with_scanner(enter_three, tmp_path, places=2) == (2, 2)


def test_a_place_is_wiped_of_whatever_a_child_has_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    written(outside, b"kept", "kept")
    make = "; ".join(
        [
            "os.makedirs('a/b/c')",
            "open('a/b/file', 'w').close()",
            f"os.symlink({str(outside)!r}, 'a/link')",
            f"os.symlink({str(outside)!r}, 'link')",
            f"os.link({str(outside / 'kept')!r}, 'hard')",
            "os.mkfifo('pipe')",
            r"open(b'\xff\xfe\n', 'w').close()",
            "os.chmod('a/b', 0)",
            "os.chmod('a', 0)",
            "print('{}', flush=True)",
        ],
    )
    enemy(monkeypatch, make)

    async def leave(folder: Path) -> tuple[int, list[Path], int]:
        places = Pool(folder, 1, Terms("", 0, 0))
        async with places.place() as place:
            await place.ask({}, 10, bytes)
            made = len(list(place.folder.iterdir()))
        left = len(children_in(folder))
        await places.close()
        return made, list(place.folder.iterdir()), left

    made, left, children = asyncio.run(leave(tmp_path / "places"))
    assert made == 5
    assert left == []
    assert children == 0  # no honest child makes folders
    assert (outside / "kept").read_bytes() == b"kept"
    assert outside.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "act",
    [
        "print('nonsense', flush=True)",
        "print(flush=True)",
        "print('[' * 100000, flush=True)",
        'print(\'{"faults": [], "members": []\', flush=True)',
        "print('x' * 9000000, flush=True)",
        "sys.stdout.buffer.write(bytes([255, 254, 10])); sys.stdout.flush()",
        "os.close(1); time.sleep(60)",
        "os._exit(0)",
        "os.abort()",
    ],
)
def test_a_child_that_answers_nonsense_counts_as_dead(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
) -> None:
    enemy(monkeypatch, act)

    async def ask_all(place: Place) -> None:
        sample = written(place.folder, b"x")
        assert (await place.unpack(sample, [])).faults == (Fault.CHILD_DIED,)
        assert list(place.folder.iterdir()) == [sample]

    in_place(ask_all, tmp_path)
    assert children_in(tmp_path) == []


def test_an_answer_of_a_megabyte_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enemy(monkeypatch, "print('x' * 1000000, flush=True)")
    assert len(asyncio.run(asked(tmp_path))) == 1_000_001


def test_a_compiler_that_leaves_no_plain_file_has_compiled_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enemy(monkeypatch, "os.symlink('/etc/passwd', 'compiled'); print('{\"fault\": null}', flush=True)")

    async def prepare(scanner: Scanner) -> Fault | None:
        return await scanner.prepare(RULESET)

    assert with_scanner(prepare, tmp_path) is Fault.CHILD_DIED
    assert list((tmp_path / "work" / "rulesets").iterdir()) == []


def test_a_child_that_says_no_hello_serves_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children_are(monkeypatch, "raise SystemExit")
    with pytest.raises(ChildDiedError):
        asyncio.run(asked(tmp_path))


def test_a_child_that_used_up_its_processor_time_is_not_asked_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enemy(monkeypatch, "open('../tries', 'a').write('x'); os.kill(os.getpid(), 24)")
    with pytest.raises(CpuLimitError):
        asyncio.run(asked(tmp_path))
    assert (tmp_path / "places" / "tries").read_text() == "x"


def test_a_child_that_says_nothing_is_gone_within_a_second_after_its_time(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enemy(monkeypatch, "time.sleep(60)")
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(asked(tmp_path, 0.3), 5))
    assert children_in(tmp_path) == []


def test_children_that_cannot_be_started_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "COMMAND", (str(tmp_path / "missing"),))

    async def ask(place: Place) -> ScanResult:
        return await place.scan(RULESET, written(place.folder, b"x"))

    assert in_place(ask, tmp_path) == ScanResult.not_scanned("child_died")


def test_a_child_without_landlock_and_seccomp_works_and_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    children_are(monkeypatch, ABSENT)

    async def examine(scanner: Scanner) -> tuple[int, bool, bool]:
        async with scanner.place() as place:
            assert (await place.scan(RULESET, written(place.folder, b"x"))).reason is None
        found = await scanner.capabilities()
        assert found is not None
        return found.landlock, found.seccomp, found.libseccomp

    assert with_scanner(examine, tmp_path) == (0, False, False)


def test_niceness_is_added_to_the_childrens(tmp_path: Path) -> None:
    async def start(folder: Path) -> int:
        places = Pool(folder, 1, Terms("", 0, 5))
        async with places.place() as place:
            await place.start()
            (child,) = children_in(folder)
            nice = child.nice()
        await places.close()
        return int(nice or 0)

    assert asyncio.run(start(tmp_path)) == min(19, psutil.Process().nice() + 5)
