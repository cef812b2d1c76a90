"""The order of the queue, and its one exception."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.queueing import Band, Waiting, band, next_case, order_key
from sigreq.domain.submission import Track

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MSA, STANDARD = Track.EXPEDITED, Track.STANDARD
THREE_MSA = [MSA, MSA, MSA]


def case(name: str, track: Track, *, age: float, due: float, warn: float | None = None) -> Waiting:
    """Hours: since arrival, until due, until the warning point."""
    return Waiting(name, track, NOW - age * HOUR, NOW + due * HOUR, None if warn is None else NOW + warn * HOUR)


URGENT = case("urgent", MSA, age=3, due=1, warn=-1)
FRESH = case("fresh", MSA, age=1, due=6, warn=4)
LATE = case("late", STANDARD, age=30, due=-2)
LATER = case("later", STANDARD, age=40, due=-1)
WAITING = case("waiting", STANDARD, age=50, due=1)


def moments(around: int) -> st.SearchStrategy[datetime]:
    return st.integers(-around, around).map(lambda hours: NOW + hours * HOUR)


CASES = st.lists(
    st.builds(Waiting, st.uuids().map(str), st.sampled_from(Track), moments(3), moments(3), st.none() | moments(3)),
    max_size=8,
)
TAKEN = st.lists(st.sampled_from(Track), max_size=5)


def test_the_moment_of_the_warning_point_is_due_soon() -> None:
    assert band(replace(FRESH, warn_at=NOW), NOW) is Band.DUE_SOON
    assert band(replace(FRESH, warn_at=NOW + timedelta(microseconds=1)), NOW) is Band.GUARANTEED
    assert band(LATE, NOW) is Band.STANDARD


def test_a_guaranteed_answer_on_the_standard_track_is_due_soon_as_well() -> None:
    assert band(replace(LATE, warn_at=NOW), NOW) is Band.DUE_SOON


def test_the_order_is_band_then_due_then_arrival_then_identifier() -> None:
    b = case("b", MSA, age=2, due=5)
    older, twin, sooner = replace(b, id="c", received_at=NOW - 3 * HOUR), replace(b, id="a"), replace(b, due_at=NOW)
    mixed = [b, LATE, twin, older, sooner, URGENT]
    assert sorted(mixed, key=lambda each: order_key(each, NOW)) == [URGENT, sooner, older, twin, b, LATE]


def test_nothing_waits_so_nothing_is_next() -> None:
    assert next_case([], THREE_MSA, NOW) is None


def test_after_three_expedited_cases_the_oldest_late_standard_case_is_next_not_the_one_due_first() -> None:
    assert next_case([FRESH, LATE, LATER, WAITING], THREE_MSA, NOW) is LATER


def test_of_equally_old_late_cases_the_identifier_decides() -> None:
    assert next_case([replace(LATE, id="b"), replace(LATE, id="a"), FRESH], THREE_MSA, NOW) == replace(LATE, id="a")


@pytest.mark.parametrize("taken", [[], [MSA, MSA], [MSA, MSA, STANDARD], [STANDARD, MSA, MSA], [MSA, STANDARD, MSA]])
def test_without_three_expedited_cases_in_a_row_the_order_holds(taken: list[Track]) -> None:
    assert next_case([FRESH, LATE], taken, NOW) is FRESH


def test_only_the_last_three_count() -> None:
    assert next_case([FRESH, LATE], [STANDARD, *THREE_MSA], NOW) is LATE
    assert next_case([FRESH, LATE], [*THREE_MSA, STANDARD], NOW) is FRESH


def test_a_guaranteed_answer_due_soon_comes_before_any_late_standard_case() -> None:
    assert next_case([LATE, FRESH, URGENT], THREE_MSA, NOW) is URGENT


def test_a_standard_case_within_its_target_gets_no_exception() -> None:
    assert next_case([FRESH, WAITING], THREE_MSA, NOW) is FRESH


def test_a_standard_case_is_late_at_its_target() -> None:
    assert next_case([FRESH, replace(WAITING, due_at=NOW)], THREE_MSA, NOW) == replace(WAITING, due_at=NOW)


@given(CASES, TAKEN)
def test_the_next_case_is_what_the_words_of_the_rule_say(waiting: list[Waiting], taken: list[Track]) -> None:
    """Told the long way round, with everything sorted."""
    ordered = sorted(waiting, key=lambda each: (band(each, NOW), each.due_at, each.received_at, each.id))
    late = sorted(
        (each for each in waiting if each.track is STANDARD and each.due_at <= NOW),
        key=lambda each: (each.received_at, each.id),
    )
    is_calm = all(band(each, NOW) is not Band.DUE_SOON for each in waiting)
    is_exception = is_calm and taken[-3:] == THREE_MSA and bool(late)
    assert next_case(waiting, taken, NOW) == next(iter(late if is_exception else ordered), None)


@given(CASES.flatmap(lambda cases: st.tuples(st.just(cases), st.permutations(cases))), TAKEN)
def test_the_order_in_which_cases_are_listed_does_not_matter(
    listed: tuple[list[Waiting], list[Waiting]], taken: list[Track]
) -> None:
    assert next_case(listed[0], taken, NOW) == next_case(listed[1], taken, NOW)


@given(TAKEN, st.integers(1, 5))
def test_late_standard_cases_get_every_fourth_take_whatever_else_arrives(taken: list[Track], late: int) -> None:
    waiting = [replace(LATE, id=f"late {number}") for number in range(late)] + [replace(FRESH, id="fresh")]
    for number in range(4 * late):
        found = next_case(waiting, taken, NOW)
        assert found is not None
        waiting.remove(found)
        taken = [*taken, found.track]
        if found.track is MSA:
            waiting.append(replace(FRESH, id=f"fresh {number}"))
    assert all(each.track is MSA for each in waiting)
