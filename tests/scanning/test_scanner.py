"""One file against one ruleset."""

import asyncio
import threading
import time
from pathlib import Path

import psutil

from sigreq.domain.faults import Fault
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.scanner import Place, Scanner
from tests.scanning.support import (
    NEEDLE,
    NEEDLE_RULE,
    RULESET,
    SLOW_CONTENT,
    SLOW_RULESET,
    children_of,
    in_place,
    scan,
    scan_once,
    with_scanner,
    written,
    zipped,
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


def test_private_rules_are_not_reported(tmp_path: Path) -> None:
    private = "private rule Helper { condition: true } rule Public { condition: Helper }"
    assert scan_once(tmp_path, b"x", Ruleset({"Public": private})).detections == ("Public",)
    assert scan_once(tmp_path, b"x", Ruleset({"Helper": "private rule Helper { condition: true }"})) == CLEAN


def test_detections_are_sorted_unique_and_bounded(tmp_path: Path) -> None:
    names = [f"Rule_{number:03}" for number in range(80)]
    rules = {name: f"rule {name} {{ condition: true }}" for name in reversed(names)}
    rules["again"] = f"rule {names[0]} {{ condition: true }}"
    found = scan_once(tmp_path, b"x", Ruleset(rules))
    assert found.detections == tuple(names[:50])
    assert [hit["rule"] for hit in found.hits] == names[:50]


def test_a_hit_says_the_tags_the_meta_and_where_the_strings_matched(tmp_path: Path) -> None:
    rule = """rule Spotted : family dropper {
        meta: description = "two strings" score = 7 is_good = true
        strings: $first = "spot" $second = { 6d 61 72 6b } $third = "missing"
        condition: 2 of them }"""
    found = scan_once(tmp_path, b"..spot..spot..mark", Ruleset({"Spotted": rule}))
    (hit,) = found.hits
    assert sorted(hit["tags"]) == ["dropper", "family"]
    assert hit["meta"] == {"description": "two strings", "score": 7, "is_good": True}
    assert hit["strings"][0]["identifier"] == "$first"
    assert hit["strings"][0]["offsets"][0] == 2
    assert hit["strings"][1] == {"identifier": "$second", "offsets": [14], "lengths": [4]}
    assert 0 < found.seconds < 10


def test_what_a_hit_says_is_bounded(tmp_path: Path) -> None:
    meta = " ".join(f'm{n} = "{"x" * 500}"' for n in range(50))
    strings = " ".join(f'$s{n} = "ab"' for n in range(50))
    tags = " ".join(f"tag{n}" for n in range(50))
    rule = f"rule Wide : {tags} {{ meta: {meta} strings: {strings} condition: all of them and #s0 > 1 }}"
    (hit,) = scan_once(tmp_path, b"ab" * 100, Ruleset({"Wide": rule})).hits
    assert (len(hit["tags"]), len(hit["meta"]), len(hit["strings"])) == (10, 20, 16)
    assert {len(value) for value in hit["meta"].values()} == {200}
    assert max(len(string["offsets"]) for string in hit["strings"]) == 8


def test_a_ruleset_with_one_bad_rule_gives_no_answer_at_all(tmp_path: Path) -> None:
    bad = ("rule Broken {", 'include "/etc/hostname"', "rule A { condition: undeclared }")

    async def scan_all(scanner: Scanner) -> list[ScanResult]:
        return [await scan(scanner, b"x", RULESET.with_rule("Broken", source)) for source in bad]

    assert with_scanner(scan_all, tmp_path) == [ScanResult.not_scanned("ruleset_invalid")] * 3


def test_a_rule_that_prints_does_not_disturb_the_answer(tmp_path: Path) -> None:
    source = 'import "console" rule Talk { condition: console.log("{}") }'
    assert scan_once(tmp_path, b"x", Ruleset({"Talk": source})).detections == ("Talk",)


def test_a_missing_sample_is_not_scanned(tmp_path: Path) -> None:
    async def scan_missing(place: Place) -> ScanResult:
        return await place.scan(RULESET, place.folder / "missing")

    assert in_place(scan_missing, tmp_path) == ScanResult.not_scanned("scan_error")


def test_a_rule_that_fails_while_scanning_is_no_clean_answer(tmp_path: Path) -> None:
    """Its regex compiles, and then has more ways to match than YARA can follow."""
    ruleset = Ruleset({"Wild": "rule Wild { strings: $a = /xa{0,1000}a{0,1000}a{0,1000}y/ condition: $a }"})
    assert scan_once(tmp_path, b"x" + b"a" * 5000, ruleset) == ScanResult.not_scanned("scan_error")


def test_a_rule_without_anything_to_search_by_gives_an_answer_for_a_large_file(tmp_path: Path) -> None:
    """Above 200,000 bytes YARA warns of it, with a message that its Python binding does not know."""
    ruleset = Ruleset(
        {"Vague": "rule Vague { strings: $a = /[0-9a-f]{32}/ $b = { ?? ?? ?? ?? } condition: any of them }"}
    )
    assert scan_once(tmp_path, b"0" * 300_000, ruleset).detections == ("Vague",)


def test_a_rule_that_counts_more_matches_than_yara_keeps_still_fires(tmp_path: Path) -> None:
    many = Ruleset({"Many": 'rule Many { strings: $a = "ab" condition: #a > 5 }'})
    assert scan_once(tmp_path, b"ab" * 1_100_000, many).detections == ("Many",)


def test_a_sample_that_matches_too_often_to_count_is_not_clean(tmp_path: Path) -> None:
    counted = Ruleset({"Counted": 'rule Counted { strings: $a = "ab" condition: #a > 1000000 }'})
    assert scan_once(tmp_path, b"ab" * 1_100_000, counted) == ScanResult.not_scanned("too_many_matches")


def _peak(pid: int) -> int:
    """The most bytes of memory that the process ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    (kibibytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kibibytes) << 10


def test_millions_of_matches_cost_less_than_a_gib(tmp_path: Path) -> None:
    rules = {f"Many_{n}": f'rule Many_{n} {{ strings: $a = "ab" condition: #a > 5 }}' for n in range(5)}

    async def peak(place: Place) -> tuple[int, int]:
        found = await place.scan(Ruleset(rules), written(place.folder, b"ab" * 1_100_000))
        (child,) = children_of(psutil.Process())
        return len(found.detections), _peak(child.pid)

    detections, resident = in_place(peak, tmp_path)
    assert detections == 5
    assert resident < 1 << 30


def test_a_scan_over_its_time_is_killed_and_the_next_one_works(tmp_path: Path) -> None:
    async def scan_both(scanner: Scanner) -> list[ScanResult]:
        return [await scan(scanner, SLOW_CONTENT, SLOW_RULESET), await scan(scanner, NEEDLE)]

    assert with_scanner(scan_both, tmp_path, timeout=1) == [ScanResult.not_scanned("timeout"), DETECTED]


def test_a_hanging_scan_is_gone_soon_after_its_time(tmp_path: Path) -> None:
    async def hang(scanner: Scanner) -> tuple[float, ScanResult, list[psutil.Process]]:
        await scanner.prepare(SLOW_RULESET)
        async with scanner.place() as place:
            await place.identify(written(place.folder, b"x", "warm-up"))
            sample = written(place.folder, b"a" * 20_000_000)
            started = time.monotonic()
            result = await place.scan(SLOW_RULESET, sample)
            left = [child for child in children_of(psutil.Process()) if child.cpu_times().user > 0.5]
            return time.monotonic() - started, result, left

    seconds, result, left = with_scanner(hang, tmp_path, timeout=1)
    assert result == ScanResult.not_scanned("timeout")
    assert left == []
    assert seconds < 10  # by itself it would take hours


def test_twenty_scans_at_once_in_two_places_give_each_its_own_answer(tmp_path: Path) -> None:
    rulesets = [Ruleset({f"Rule_{n}": NEEDLE_RULE.replace("Needle", f"Rule_{n}")}) for n in range(7)]

    async def scan_all(scanner: Scanner) -> list[ScanResult]:
        contents = [NEEDLE if n % 3 else b"harmless" for n in range(20)]
        return await asyncio.gather(*(scan(scanner, each, rulesets[n % 7]) for n, each in enumerate(contents)))

    answers = with_scanner(scan_all, tmp_path, places=2)
    assert [each.detections for each in answers] == [(f"Rule_{n % 7}",) if n % 3 else () for n in range(20)]
    assert {each.outcome for each in answers} == {Outcome.CLEAN, Outcome.DETECTED}


def test_the_event_loop_may_run_in_any_thread(tmp_path: Path) -> None:
    answers: list[ScanResult] = []
    thread = threading.Thread(target=lambda: answers.append(scan_once(tmp_path, NEEDLE)))
    thread.start()
    thread.join(60)
    assert answers == [DETECTED]


def test_one_place_serves_a_sample_from_unpacking_to_the_scans_of_its_members(tmp_path: Path) -> None:
    async def examine(place: Place) -> tuple[list[bytes], list[Outcome], str | None]:
        sample = written(place.folder, zipped(NEEDLE * 20, b"harmless"))
        found = await place.unpack(sample, [])
        assert found.faults == ()
        contents, outcomes = [], []
        for member in found.members:
            with member.open() as file:
                contents.append(file.read())
            assert member.path is not None
            outcomes.append((await place.scan(RULESET, member.path)).outcome)
        return contents, outcomes, (await place.identify(sample)).mime

    contents, outcomes, mime = in_place(examine, tmp_path)
    assert contents == [NEEDLE * 20, b"harmless"]
    assert outcomes == [Outcome.DETECTED, Outcome.CLEAN]
    assert mime == "application/zip"


def test_what_was_sent_ahead_is_answered_in_its_order(tmp_path: Path) -> None:
    async def examine(place: Place) -> tuple[int, str | None, Outcome, int]:
        sample = written(place.folder, zipped(b"one", b"two"), "sample")
        await place.begin(sample, [RULESET], passwords=["infected"], is_identified=False)
        unpacked, identity = await place.unpack(sample, ["infected"]), await place.identify(sample)
        result = await place.scan(RULESET, sample)
        return len(unpacked.members), identity.mime, result.outcome, len(children_of(psutil.Process()))

    assert in_place(examine, tmp_path)[:3] == (2, "application/zip", Outcome.CLEAN)


def test_a_child_that_is_asked_something_else_than_what_was_sent_ahead_is_replaced(tmp_path: Path) -> None:
    async def examine(place: Place) -> tuple[Outcome, str | None]:
        sample = written(place.folder, NEEDLE, "sample")
        await place.begin(sample, [], passwords=None, is_identified=False)
        return (await place.scan(RULESET, sample)).outcome, (await place.identify(sample)).mime

    assert in_place(examine, tmp_path) == (Outcome.DETECTED, "text/plain")


def test_an_answer_that_nobody_took_is_not_taken_for_one_about_the_next_sample(tmp_path: Path) -> None:
    async def examine(scanner: Scanner) -> Outcome:
        async with scanner.place() as place:
            sample = written(place.folder, b"harmless", "sample")
            await place.begin(sample, [RULESET], passwords=None, is_identified=True)
        async with scanner.place() as place:
            return (await place.scan(RULESET, written(place.folder, NEEDLE, "sample"))).outcome

    assert with_scanner(examine, tmp_path) is Outcome.DETECTED


def test_a_child_that_dies_of_what_was_sent_ahead_costs_no_member(tmp_path: Path) -> None:
    async def examine(place: Place) -> int:
        sample = written(place.folder, zipped(b"one", b"two"), "sample")
        await place.begin(sample, [RULESET], passwords=[], is_identified=False)
        while not (place.folder / "member-2").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.01)
        for child in children_of(psutil.Process()):
            child.kill()
        return len((await place.unpack(sample, [])).members)

    assert in_place(examine, tmp_path) == 2


def test_a_place_is_empty_again_when_it_is_left(tmp_path: Path) -> None:
    async def leave(scanner: Scanner) -> list[Path]:
        async with scanner.place() as place:
            await place.unpack(written(place.folder, zipped(b"one")), [])
            assert len(list(place.folder.iterdir())) == 2
        return list(place.folder.iterdir())

    assert with_scanner(leave, tmp_path) == []


def test_a_scanner_says_what_it_has_without_a_sample(tmp_path: Path) -> None:
    async def ask(scanner: Scanner) -> bool:
        found = await scanner.capabilities()
        assert found is not None
        return found.libseccomp is found.seccomp

    assert with_scanner(ask, tmp_path)


def test_a_closed_scanner_answers_every_question_with_a_fault(tmp_path: Path) -> None:
    async def ask_all(scanner: Scanner) -> None:
        await scanner.close()
        assert await scanner.prepare(RULESET) is Fault.CHILD_DIED
        (problem,) = await scanner.lint("Needle", NEEDLE_RULE, [Target.YARA])
        assert problem.code == "compiler_died"
        assert not await scanner.knows(RULESET, "Needle")
        assert await scanner.capabilities() is None
        async with scanner.place() as place:
            sample = written(place.folder, b"x")
            assert (await place.unpack(sample, [])).faults == (Fault.CHILD_DIED,)
            assert (await place.identify(sample)).fault is Fault.CHILD_DIED
            assert await place.scan(RULESET, sample) == ScanResult.not_scanned("child_died")

    with_scanner(ask_all, tmp_path)
