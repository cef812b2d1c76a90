"""Rulesets are compiled once, kept as long as they are used, and known by their rules' names."""

import asyncio
import stat
from itertools import chain
from pathlib import Path

import pytest

from sigreq.domain.faults import Fault
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import ScanResult
from sigreq.scanning import compiled
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import NEEDLE, NEEDLE_RULE, RULESET, scan, with_scanner, written

BROKEN = Ruleset({"Broken": "rule Broken {"})


def numbered(number: int) -> Ruleset:
    return Ruleset({f"Rule_{number}": f"rule Rule_{number} {{ condition: true }}"})


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "work" / "rulesets").iterdir())


def test_rules_are_compiled_once_and_for_the_owner_only(tmp_path: Path) -> None:
    async def prepare_often(scanner: Scanner) -> tuple[int, int]:
        assert await asyncio.gather(*(scanner.prepare(RULESET) for _ in range(5))) == [None] * 5
        (before,) = files(tmp_path)
        changed = before.stat().st_mtime_ns, before.stat().st_ino
        assert await scanner.prepare(RULESET) is None
        assert await scan(scanner, NEEDLE)
        assert changed == (before.stat().st_mtime_ns, before.stat().st_ino)
        return changed

    with_scanner(prepare_often, tmp_path)
    (stored,) = files(tmp_path)
    assert stored.name == f"{RULESET.digest}.yarc"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


def test_rules_that_do_not_compile_are_not_tried_again(tmp_path: Path) -> None:
    async def prepare_twice(scanner: Scanner) -> list[Fault | None]:
        first = await scanner.prepare(BROKEN)
        # Whoever compiles now gets child_died.
        await scanner.close()
        return [first, await scanner.prepare(BROKEN), await scanner.prepare(RULESET)]

    expected = [Fault.RULESET_INVALID, Fault.RULESET_INVALID, Fault.CHILD_DIED]
    assert with_scanner(prepare_twice, tmp_path) == expected
    assert files(tmp_path) == []


def test_a_new_version_is_used_at_once_by_a_child_that_knows_the_old_one(tmp_path: Path) -> None:
    newer = Ruleset({"Newer": NEEDLE_RULE.replace("Needle", "Newer")})

    async def scan_all(scanner: Scanner) -> list[ScanResult]:
        async with scanner.place() as place:
            sample = written(place.folder, NEEDLE)
            return [await place.scan(each, sample) for each in (RULESET, newer, RULESET)]

    found = with_scanner(scan_all, tmp_path)
    assert [each.detections for each in found] == [("Needle",), ("Newer",), ("Needle",)]


def test_the_rulesets_used_last_are_kept_and_a_forgotten_one_is_compiled_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "KEPT_RULESETS", 2)

    async def use(scanner: Scanner) -> list[set[str]]:
        kept = []
        for number in (0, 1, 0, 2, 1):
            assert (await scan(scanner, b"x", numbered(number))).detections == (f"Rule_{number}",)
            kept.append({path.stem for path in files(tmp_path)})
        return kept

    digests = [numbered(number).digest for number in range(3)]
    kept = with_scanner(use, tmp_path)
    assert kept[2:] == [{digests[0], digests[1]}, {digests[0], digests[2]}, {digests[2], digests[1]}]


def test_a_ruleset_in_use_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "KEPT_RULESETS", 0)

    async def use(scanner: Scanner) -> list[str]:
        return [(await scan(scanner, b"x", numbered(n))).detections[0] for n in range(2)]

    async def at_once(scanner: Scanner) -> set[str]:
        return set(chain(*await asyncio.gather(*(use(scanner) for _ in range(6)))))

    assert with_scanner(at_once, tmp_path, places=2) == {"Rule_0", "Rule_1"}
    assert files(tmp_path) == []


def test_rules_that_a_child_was_told_of_ahead_stay_until_the_place_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "KEPT_RULESETS", 0)

    async def begin(scanner: Scanner) -> list[str]:
        async with scanner.place() as place:
            sample = written(place.folder, NEEDLE)
            await place.begin(sample, [RULESET], passwords=None, is_identified=True)
            await scanner.prepare(numbered(1))
            return [file.stem for file in files(tmp_path)]

    assert with_scanner(begin, tmp_path) == [RULESET.digest]
    assert files(tmp_path) == []


def test_a_rule_is_known_by_the_names_that_products_show(tmp_path: Path) -> None:
    rules = {"Acme_Invoice_Stealer": "rule Acme_Invoice_Stealer { condition: true } rule Helper { condition: true }"}
    known = {
        "Acme_Invoice_Stealer",
        "acme-invoice.stealer",
        "ACME Invoice Stealer",
        "Trojan:Win32/Acme_Invoice_Stealer",
        "Trojan.Acme_Invoice_Stealer",
        "Win32/acme-invoice-stealer!",
        "Helper",
    }
    unknown = {"Acme_Invoice", "Acme_Invoice_Stealer_2", "", "://..", "Trojan:Win32/", "Stealer"}

    async def ask(scanner: Scanner) -> set[str]:
        return {name for name in known | unknown if await scanner.knows(Ruleset(rules), name)}

    assert with_scanner(ask, tmp_path) == known


def test_rules_that_do_not_compile_cannot_say_whether_they_know_a_name(tmp_path: Path) -> None:
    async def ask(scanner: Scanner) -> bool | None:
        return await scanner.knows(BROKEN, "Broken")

    assert with_scanner(ask, tmp_path) is None
