"""Small files are looked at together; what is odd about one is left to be examined by itself."""

import asyncio
import json
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import Outcome
from sigreq.scanning import pool
from sigreq.scanning.child import Answers, Rulesets
from sigreq.scanning.look_replies import Seen, Small, looks
from sigreq.scanning.scanner import Place
from tests.scanning.executables import pe
from tests.scanning.identified import noise
from tests.scanning.packed import tarred, zipped
from tests.scanning.support import NEEDLE, RULESET, examining_children, in_place, written
from tests.scanning.test_places import enemy

PROGRAM = pe({"KERNEL32.dll": ["CreateFileA"]})
PLAIN = {"text": b"Dear laboratory,\nthis is no malware.\n", "empty": b"", "noise": noise(10_000), "program": PROGRAM}
OTHER = Ruleset({"Other": 'rule Other { strings: $a = "laboratory" condition: $a and filesize < 100 }'})
# A regular expression looks at no clock, and this rule at one only.
ENDLESS = Ruleset({"Endless": "rule Endless { condition: for all i in (0..4000000000) : (i >= 0) }"})
BROKEN = Ruleset({"Broken": "rule Broken {"})
IDENTITY: dict[str, Any] = {
    "mime": "text/plain",
    "description": "text",
    "tlsh": None,
    "executable": None,
    "fault": None,
}
SCAN: dict[str, Any] = {"detections": [], "hits": [], "reason": None, "seconds": 0.1}


def looked_at(tmp_path: Path, contents: list[bytes], *rulesets: Ruleset) -> list[Seen | None]:
    files = [Small(content, tuple(range(len(rulesets)))) for content in contents]
    return in_place(lambda place: place.look(files, rulesets), tmp_path)


def test_what_is_seen_at_a_glance_is_what_is_found_by_itself(tmp_path: Path) -> None:
    contents = {**PLAIN, "needle": NEEDLE + noise(500)}

    async def both(place: Place) -> None:
        glances = await place.look([Small(each, (0, 1)) for each in contents.values()], [RULESET, OTHER])
        assert list(place.folder.iterdir()) == []
        for (name, content), glance in zip(contents.items(), glances, strict=True):
            sample = written(place.folder, content, name)
            assert glance is not None
            assert (await place.unpack(sample, [])).faults == ()
            assert glance.identity == await place.identify(sample)
            results = tuple([await place.scan(each, sample) for each in (RULESET, OTHER)])
            assert glance.results == results
            assert [each.hits for each in glance.results] == [each.hits for each in results]
        found = [glance and [each.outcome is Outcome.DETECTED for each in glance.results] for glance in glances]
        assert found == [[False, True], [False, False], [False, False], [False, False], [True, False]]

    in_place(both, tmp_path)


def test_only_what_is_asked_is_told(tmp_path: Path) -> None:
    files = [Small(b"a", (), is_new=False), Small(b"b", (1,)), Small(NEEDLE, (0,), is_new=False)]
    seen = in_place(lambda place: place.look(files, [RULESET, OTHER]), tmp_path)
    assert [each and (each.identity is not None, len(each.results)) for each in seen] == [
        (False, 0),
        (True, 1),
        (False, 1),
    ]


def test_rules_that_no_file_asks_for_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(b"a")))
    wanted = [{"size": 1, "identify": False, "rulesets": []}]
    request = {"files": wanted, "rulesets": ["there is no such file"], "timeout": 1, "enough": 1}
    assert Answers(Rulesets()).look(request) == {"looks": [{"identity": None, "scans": []}]}


@pytest.mark.parametrize(
    "odd",
    [zipped({"a": b"a"}), tarred({"a": b"a"}), PROGRAM + zipped({"a": b"a"}), b"\x7fELF" + noise(500)],
    ids=["zip", "tar", "zip behind a program", "damaged program"],
)
def test_what_holds_others_or_is_damaged_is_left_and_its_neighbours_are_not(tmp_path: Path, odd: bytes) -> None:
    first, left, last = looked_at(tmp_path, [b"first", odd, b"last"], RULESET)
    assert left is None
    assert first is not None
    assert last is not None


def test_what_takes_long_or_matches_too_much_is_left(tmp_path: Path) -> None:
    assert looked_at(tmp_path / "endless", [b"first", b"last"], ENDLESS) == [None, None]
    many = Ruleset({f"Many{n}": f'rule Many{n} {{ strings: $a = "ACME" condition: $a }}' for n in range(9)})
    first, left = looked_at(tmp_path / "many", [b"first", b"ACME"], many)
    assert (first is None, left is None) == (False, True)


def test_without_rules_everything_is_left(tmp_path: Path) -> None:
    assert looked_at(tmp_path, [b"a", b"b"], RULESET, BROKEN) == [None, None]


def test_the_death_of_a_child_leaves_all_of_them_and_the_place_fit_for_more(tmp_path: Path) -> None:
    async def kill(place: Place) -> None:
        files = [Small(b"a", (0,)), Small(b"b", (0,))]
        assert None not in await place.look(files, [RULESET])
        (child,) = examining_children()
        child.suspend()
        task = asyncio.create_task(place.look(files, [RULESET]))
        await asyncio.sleep(0.05)
        child.kill()
        assert await task == [None, None]
        assert None not in await place.look(files, [RULESET])

    in_place(kill, tmp_path)


def test_a_child_sees_no_more_files_than_if_each_were_asked_about_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "ASKED_AT_MOST", 6)

    async def look(place: Place) -> list[int]:
        pids = []
        for _ in range(3):
            assert None not in await place.look([Small(b"a", ())], [])
            (child,) = examining_children()
            pids.append(child.pid)
        return pids

    first, second, third = in_place(look, tmp_path)
    assert first == second != third


def test_content_of_a_mebibyte_passes(tmp_path: Path) -> None:
    contents = [noise((64 << 10) - number) for number in range(20)]
    seen = looked_at(tmp_path, contents, RULESET)
    assert None not in seen
    assert len({each.identity.tlsh for each in seen if each and each.identity}) > 1


@pytest.mark.parametrize(
    "lie",
    [
        {"looks": []},
        {"looks": [None]},
        {"looks": [None] * 3},
        {"looks": [{"identity": IDENTITY, "scans": []}, None]},
        {"looks": [{"identity": None, "scans": [SCAN]}, None]},
        {"looks": [{"identity": IDENTITY, "scans": [SCAN, SCAN]}, None]},
        {"looks": [{"identity": IDENTITY | {"fault": "not_parsed"}, "scans": [SCAN]}, None]},
        {"looks": [{"identity": IDENTITY, "scans": [SCAN | {"reason": "timeout"}]}, None]},
        {"looks": [{"identity": IDENTITY, "scans": [SCAN | {"detections": ["Rule"]}]}, None]},
        {"looks": [None, None], "more": 1},
        {},
    ],
    ids=str,
)
def test_a_lie_about_a_glance_is_nonsense(lie: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        looks(json.dumps(lie).encode(), [Small(b"a", (0,)), Small(b"b", (0,))])


def test_a_child_that_lies_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enemy(monkeypatch, "open('../asked', 'a').write('x'); print('{\"looks\": []}', flush=True)")
    files = [Small(b"", ())]
    assert in_place(lambda place: place.look(files, []), tmp_path) == [None]
    assert (tmp_path / "work" / "places" / "asked").read_text() == "x"
