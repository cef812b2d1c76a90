"""One sample against one ruleset."""

import asyncio
import hashlib
import stat
import threading
from pathlib import Path

import pytest

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import (
    NEEDLE,
    NEEDLE_RULE,
    RULESET,
    SLOW_CONTENT,
    SLOW_RULESET,
    facts_of,
    scan,
    scan_once,
    with_scanner,
    written,
)

CLEAN = ScanResult(Outcome.CLEAN)
DETECTED = ScanResult(Outcome.DETECTED, ("Needle",))


def test_a_sample_on_which_a_rule_fires_is_detected(tmp_path: Path) -> None:
    assert scan_once(tmp_path, b"..." + NEEDLE) == DETECTED


def test_a_sample_on_which_no_rule_fires_is_clean(tmp_path: Path) -> None:
    assert scan_once(tmp_path, b"nothing of note") == CLEAN


def test_an_empty_sample_is_scanned_like_any_other(tmp_path: Path) -> None:
    assert scan_once(tmp_path, b"") == CLEAN
    empty = Ruleset({"Empty": "rule Empty { condition: filesize == 0 }"})
    assert scan_once(tmp_path, b"", empty).detections == ("Empty",)


def test_a_ruleset_without_rules_detects_nothing(tmp_path: Path) -> None:
    assert scan_once(tmp_path, NEEDLE, Ruleset()) == CLEAN


def test_an_allowed_sample_is_clean_whatever_the_rules_say(tmp_path: Path) -> None:
    ruleset = RULESET.with_allowed(hashlib.sha256(NEEDLE).hexdigest())
    assert scan_once(tmp_path, NEEDLE, ruleset) == CLEAN
    assert scan_once(tmp_path, NEEDLE + b"!", ruleset) == DETECTED


def test_private_rules_are_not_reported(tmp_path: Path) -> None:
    private = "private rule Helper { condition: true } rule Public { condition: Helper }"
    assert scan_once(tmp_path, b"x", Ruleset({"Public": private})).detections == ("Public",)
    assert scan_once(tmp_path, b"x", Ruleset({"Helper": "private rule Helper { condition: true }"})) == CLEAN


def test_detections_are_sorted_unique_and_bounded(tmp_path: Path) -> None:
    names = [f"Rule_{number:03}" for number in range(80)]
    rules = {name: f"rule {name} {{ condition: true }}" for name in reversed(names)}
    rules["again"] = f"rule {names[0]} {{ condition: true }}"
    assert scan_once(tmp_path, b"x", Ruleset(rules)).detections == tuple(names[:50])


@pytest.mark.parametrize("source", ["rule Broken {", 'include "/etc/hostname"', "rule A { condition: undeclared }"])
def test_a_ruleset_with_one_bad_rule_gives_no_answer_at_all(tmp_path: Path, source: str) -> None:
    ruleset = RULESET.with_rule("Broken", source)
    assert scan_once(tmp_path, b"x", ruleset) == ScanResult.not_scanned("ruleset_invalid")


def test_a_rule_that_prints_does_not_disturb_the_answer(tmp_path: Path) -> None:
    source = 'import "console" rule Talk { condition: console.log("{}") }'
    assert scan_once(tmp_path, b"x", Ruleset({"Talk": source})).detections == ("Talk",)


def test_a_missing_sample_is_not_scanned(tmp_path: Path) -> None:
    facts = facts_of(written(tmp_path, b"x"))

    async def scan_missing(scanner: Scanner) -> ScanResult:
        return await scanner.scan(RULESET, tmp_path / "missing", facts)

    assert with_scanner(scan_missing, tmp_path) == ScanResult.not_scanned("scan_error")


def test_a_rule_that_counts_more_matches_than_yara_keeps_still_fires(tmp_path: Path) -> None:
    many = Ruleset({"Many": 'rule Many { strings: $a = "ab" condition: #a > 5 }'})
    assert scan_once(tmp_path, b"ab" * 1_100_000, many).detections == ("Many",)


def test_a_scan_over_its_time_is_killed_and_the_next_one_works(tmp_path: Path) -> None:
    slow, quick = written(tmp_path, SLOW_CONTENT, "slow"), written(tmp_path, NEEDLE, "quick")

    async def scan_both(scanner: Scanner) -> list[ScanResult]:
        return [await scan(scanner, slow, SLOW_RULESET), await scan(scanner, quick)]

    assert with_scanner(scan_both, tmp_path, timeout=3) == [ScanResult.not_scanned("timeout"), DETECTED]


def test_twenty_scans_at_once_on_two_children_give_each_its_own_answer(tmp_path: Path) -> None:
    rulesets = [Ruleset({f"Rule_{n}": NEEDLE_RULE.replace("Needle", f"Rule_{n}")}) for n in range(7)]
    samples = [written(tmp_path, NEEDLE if n % 3 else b"harmless", str(n)) for n in range(20)]

    async def scan_all(scanner: Scanner) -> list[ScanResult]:
        return await asyncio.gather(*(scan(scanner, each, rulesets[n % 7]) for n, each in enumerate(samples)))

    answers = with_scanner(scan_all, tmp_path, children=2)
    assert [each.detections for each in answers] == [(f"Rule_{n % 7}",) if n % 3 else () for n in range(20)]
    assert {each.outcome for each in answers} == {Outcome.CLEAN, Outcome.DETECTED}


def test_rulesets_are_stored_once_and_for_the_owner_only(tmp_path: Path) -> None:
    sample = written(tmp_path, b"x")

    async def scan_twice(scanner: Scanner) -> None:
        await asyncio.gather(scan(scanner, sample), scan(scanner, sample))

    with_scanner(scan_twice, tmp_path, children=2)
    (stored,) = (tmp_path / "work").iterdir()
    assert stored.name == f"{RULESET.digest}.json"
    assert stored.read_bytes() == RULESET.document()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


def test_the_event_loop_may_run_in_any_thread(tmp_path: Path) -> None:
    answers: list[ScanResult] = []
    thread = threading.Thread(target=lambda: answers.append(scan_once(tmp_path, NEEDLE)))
    thread.start()
    thread.join(60)
    assert answers == [DETECTED]
