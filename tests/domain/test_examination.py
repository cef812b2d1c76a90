"""What a sent file holds counts as the file's own."""

from dataclasses import replace
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.examination import ALLOWED, File, assembled, overall, shown, trees_of
from sigreq.domain.faults import Fault
from sigreq.domain.submission import Kind, SampleFacts
from sigreq.domain.verdict import Outcome, ScanResult

CLEAN = ScanResult(Outcome.CLEAN)
HIT = ScanResult(Outcome.DETECTED, ("Rule",))


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def file(position: int, parent: int | None = None, *faults: Fault) -> File:
    name = f"f{position}"
    return File(position, parent, name, SampleFacts(name, 1, digest(name), "", ""), faults)


def results(**by_name: ScanResult) -> dict[str, ScanResult]:
    return {digest(name): result for name, result in by_name.items()}


def test_a_hit_at_any_depth_is_a_hit_of_all_that_hold_it_and_of_nothing_else() -> None:
    files = [file(0), file(1), file(2, 0), file(3, 2), file(4, 0)]
    found = overall(files, results(f0=CLEAN, f1=CLEAN, f2=CLEAN, f3=HIT, f4=CLEAN))
    assert found == {0: HIT, 1: CLEAN, 2: HIT, 3: HIT, 4: CLEAN}


def test_a_member_that_was_not_examined_forbids_the_word_clean() -> None:
    files = [file(0), file(1, 0)]
    assert overall(files, results(f0=CLEAN))[0] == ScanResult.not_scanned(Fault.NOT_EXAMINED)
    assert overall([replace(files[0], faults=None)], results(f0=CLEAN))[0].outcome is Outcome.NOT_SCANNED
    unread = [file(0), replace(file(1, 0, Fault.ARCHIVE_ENCRYPTED), facts=None)]
    assert overall(unread, results(f0=CLEAN))[0] == ScanResult.not_scanned(Fault.ARCHIVE_ENCRYPTED)


def test_a_hit_outweighs_what_was_not_examined() -> None:
    files = [file(0, None, Fault.ARCHIVE_LIMIT), file(1, 0)]
    assert overall(files, results(f0=CLEAN, f1=HIT))[0] == HIT


def test_a_link_has_nothing_to_examine() -> None:
    link = replace(file(1, 0, Fault.LINK_SKIPPED), facts=None)
    assert overall([file(0), link], results(f0=CLEAN))[0] == CLEAN


def test_what_is_allowed_is_passed_over_with_all_it_holds() -> None:
    files = [file(0), file(1, 0), file(2, 1), file(3, 0)]
    assert overall(files, results(f0=CLEAN, f1=ALLOWED, f2=HIT, f3=CLEAN))[0] == CLEAN
    assert overall(files, results(f0=CLEAN, f1=ALLOWED, f2=HIT, f3=HIT))[0] == HIT
    assert overall(files, results(f0=ALLOWED, f1=HIT, f2=HIT, f3=HIT))[0] == CLEAN


@given(st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=4))
def test_trees_that_are_put_together_come_apart_as_they_were(shapes: list[list[int]]) -> None:
    trees = {}
    for position, parents in enumerate(shapes):
        members = [file(number, min(parent, number - 1)) for number, parent in enumerate(parents, start=1)]
        trees[position] = [replace(file(0), name=f"sent-{position}"), *members]
    sent = [replace(trees[position][0], position=position) for position in trees]
    files = assembled(sent, trees)
    assert [each.position for each in files] == list(range(len(files)))
    assert trees_of(files) == trees


FN, FP = Kind.FALSE_NEGATIVE, Kind.FALSE_POSITIVE


def test_one_detected_member_says_nothing_of_the_others_that_were_missed() -> None:
    files = [file(0), file(1, 0), file(2, 0)]
    one, all_of_them = results(f0=CLEAN, f1=HIT, f2=CLEAN), results(f0=CLEAN, f1=HIT, f2=HIT)
    assert (shown(FN, files, one), shown(FN, files, all_of_them)) == ({0: True}, {0: False})
    assert (shown(FP, files, one), shown(FP, files, results(f0=CLEAN, f1=CLEAN, f2=CLEAN))) == ({0: True}, {0: False})


def test_a_hit_on_the_archive_itself_covers_what_it_holds() -> None:
    files = [file(0), file(1, 0), replace(file(2, 1, Fault.ARCHIVE_ENCRYPTED), facts=None)]
    assert shown(FN, files, results(f0=HIT, f1=CLEAN)) == {0: False}
    assert shown(FN, files, results(f0=CLEAN, f1=HIT)) == {0: False}


def test_an_archive_of_nothing_but_links_is_missed_itself() -> None:
    link = replace(file(1, 0, Fault.LINK_SKIPPED), facts=None)
    assert shown(FN, [file(0), link], results(f0=CLEAN)) == {0: True}


def test_for_a_missed_file_a_hit_does_not_make_up_for_what_was_not_seen() -> None:
    files = [file(0), file(1, 0), replace(file(2, 0, Fault.ARCHIVE_ENCRYPTED), facts=None)]
    assert shown(FN, files, results(f0=CLEAN, f1=HIT)) == {0: None}
    assert shown(FP, files, results(f0=CLEAN, f1=HIT)) == {0: True}
