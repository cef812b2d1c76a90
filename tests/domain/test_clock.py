"""The answer clock, case by case."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from sigreq.domain.clock import Clock, ClockOutcome, Happening, Terms, replay
from sigreq.domain.lifecycle import TRANSITIONS, Event, State
from sigreq.domain.plans import Goal
from sigreq.domain.submission import Severity
from sigreq.domain.worktime import Calendar, parse_exceptions, parse_hours
from tests.domain.test_worktime import calendar_of, rows

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OFFICE_HOURS = parse_hours("Mon-Fri 09:00-18:00")
CALENDARS: Mapping[tuple[str, int], Calendar] = {
    ("office", 1): Calendar("Europe/Berlin", OFFICE_HOURS),
    ("office", 2): Calendar("Europe/Berlin", OFFICE_HOURS, exceptions=parse_exceptions("2026-03-03 closed")),
    ("always", 1): Calendar("Europe/Berlin", parse_hours("24x7")),
}
BUSINESS = Terms(
    {
        Severity.CRITICAL: Goal(2 * HOUR, "always", is_guaranteed=True),
        Severity.HIGH: Goal(6 * HOUR, "office", is_guaranteed=True),
        Severity.MEDIUM: Goal(8 * HOUR, "office", is_guaranteed=True),
        Severity.LOW: Goal(10 * HOUR, "office", is_guaranteed=True),
    },
    office="office",
    needs_phone=True,
    calendars={"office": 1, "always": 1},
)
START = replace(
    BUSINESS,
    goals={
        severity: Goal(hours * HOUR, "office", is_guaranteed=severity is Severity.CRITICAL)
        for severity, hours in zip(Severity, (6, 24, 40, 60), strict=True)
    },
)
LATER = "2026-03-20T12:00"


def at(text: str) -> datetime:
    """Winter time in Berlin, unless it says otherwise; 2 March 2026 is a Monday."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else datetime.fromisoformat(f"{text}+01:00")


def received(when: str, severity: int = 1) -> Happening:
    return Happening(Event.RECEIVED, at(when), Severity(severity))


def changed(when: str, severity: int) -> Happening:
    return Happening(Event.SEVERITY_CHANGED, at(when), Severity(severity))


def answered(when: str, event: Event = Event.ANSWERED, *, is_qualified: bool = True) -> Happening:
    return Happening(event, at(when), is_qualified=is_qualified)


def called(when: str) -> Happening:
    return Happening(Event.PHONE_CALLED, at(when))


def revised(when: str, revision: int = 2) -> Happening:
    return Happening(Event.CALENDAR_CHANGED, at(when), calendar="office", revision=revision)


def clocks(*happenings: Happening, terms: Terms = BUSINESS, now: str = LATER) -> tuple[Clock, ...]:
    return replay(happenings, terms, CALENDARS, at(now))


def only(*happenings: Happening, terms: Terms = BUSINESS, now: str = LATER) -> Clock:
    (clock,) = clocks(*happenings, terms=terms, now=now)
    return clock


@pytest.mark.parametrize("row", rows("due_times.csv"), ids=lambda row: row["case"])
def test_the_due_time_is_the_one_in_the_table(row: dict[str, str]) -> None:
    calendar, goal = calendar_of(row), float(row["working_hours"]) * HOUR
    start, due = datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["due"])
    goals = dict.fromkeys(Severity, Goal(goal, "its own", is_guaranteed=True))
    terms = Terms(goals, "its own", needs_phone=True, calendars={"its own": 7})
    (clock,) = replay([Happening(Event.RECEIVED, start, Severity.LOW)], terms, {("its own", 7): calendar}, due)
    assert clock.due_at == due.astimezone(UTC)
    assert clock.warnings[-1] == (100, due.astimezone(UTC))
    assert clock.used == goal
    assert not clock.is_overdue(due)
    assert clock.is_overdue(due + MINUTE)


def test_nothing_has_happened_and_no_clock_runs() -> None:
    assert clocks() == ()


@pytest.mark.parametrize("event", [Event.ANSWERED, Event.ASKED, Event.DETERMINED])
def test_a_qualified_answer_ends_the_clock_and_only_a_qualified_one(event: Event) -> None:
    running = only(received("2026-03-02T10:00", 2), answered("2026-03-02T11:00", event, is_qualified=False))
    assert running.outcome is ClockOutcome.RUNNING
    ended = only(received("2026-03-02T10:00", 2), answered("2026-03-02T11:00", event))
    assert (ended.outcome, ended.ended_at, ended.used) == (ClockOutcome.MET, at("2026-03-02T11:00"), HOUR)


def test_no_other_event_ends_a_clock_even_if_it_is_called_qualified() -> None:
    ends = {Event.ANSWERED, Event.ASKED, Event.DETERMINED, Event.ANSWERED_AUTOMATICALLY, Event.WITHDRAWN}
    begins = {Event.RECEIVED, Event.STILL_HAPPENS, Event.DISPUTED, Event.REGRESSED}
    others = [
        Happening(event, at("2026-03-02T11:00"), Severity.HIGH, is_qualified=True, calendar="office", revision=1)
        for event in Event
        if event not in ends | begins
    ]
    assert only(received("2026-03-02T10:00", 2), *others).outcome is ClockOutcome.RUNNING


def test_an_answer_at_the_due_time_meets_it_and_one_later_does_not() -> None:
    assert only(received("2026-03-02T10:00", 2), answered("2026-03-02T16:00:00")).outcome is ClockOutcome.MET
    assert only(received("2026-03-02T10:00", 2), answered("2026-03-02T16:00:01")).outcome is ClockOutcome.MISSED


def test_a_clock_past_its_due_time_runs_until_it_is_answered() -> None:
    clock = only(received("2026-03-02T10:00", 2), now="2026-03-02T17:00")
    assert (clock.outcome, clock.ended_at, clock.used) == (ClockOutcome.RUNNING, None, 7 * HOUR)
    assert clock.is_overdue(at("2026-03-02T17:00"))
    assert not only(received("2026-03-02T10:00", 2), answered("2026-03-02T17:00")).is_overdue(at(LATER))


@pytest.mark.parametrize("event", [Event.ANSWERED_AUTOMATICALLY, Event.WITHDRAWN])
def test_an_automatic_answer_and_a_withdrawal_are_not_counted_even_when_late(event: Event) -> None:
    for when in ("2026-03-02T11:00", "2026-03-05T11:00"):
        clock = only(received("2026-03-02T10:00", 2), answered(when, event, is_qualified=False))
        assert (clock.outcome, clock.ended_at) == (ClockOutcome.NOT_COUNTED, at(when))


def test_withdrawing_what_was_answered_changes_nothing() -> None:
    events = received("2026-03-02T10:00", 2), answered("2026-03-02T11:00")
    assert clocks(*events, answered("2026-03-02T12:00", Event.WITHDRAWN)) == clocks(*events)


def test_warnings_are_shares_of_the_goal_in_its_own_time() -> None:
    clock = only(received("2026-03-02T17:00", 3))
    moments = ["2026-03-03T12:00", "2026-03-03T14:00", "2026-03-03T15:12", "2026-03-03T16:00"]
    assert clock.warnings == tuple(zip((50, 75, 90, 100), map(at, moments), strict=True))


@pytest.mark.parametrize("event", [Event.STILL_HAPPENS, Event.DISPUTED, Event.REGRESSED])
def test_still_happens_a_dispute_and_a_regression_begin_a_new_clock_with_the_severity_of_then(event: Event) -> None:
    first, second = clocks(
        received("2026-03-02T10:00", 4),
        answered("2026-03-02T11:00"),
        changed("2026-03-02T12:00", 2),
        Happening(event, at("2026-03-04T10:00")),
        now="2026-03-04T11:00",
    )
    assert (first.number, first.severity, first.due_at) == (1, Severity.LOW, at("2026-03-03T11:00"))
    assert (second.number, second.severity, second.due_at) == (2, Severity.HIGH, at("2026-03-04T16:00"))
    assert (second.outcome, second.used) == (ClockOutcome.RUNNING, HOUR)


def test_a_clock_that_still_ran_when_a_new_one_began_was_missed_only_if_it_was_due() -> None:
    for when, outcome in (("2026-03-02T16:00", ClockOutcome.NOT_COUNTED), ("2026-03-02T16:01", ClockOutcome.MISSED)):
        first, second = clocks(received("2026-03-02T10:00", 2), Happening(Event.STILL_HAPPENS, at(when)))
        assert (first.outcome, first.ended_at) == (outcome, at(when))
        assert (second.number, second.outcome) == (2, ClockOutcome.RUNNING)


def test_round_the_clock_starts_at_once_within_office_hours() -> None:
    clock = only(received("2026-03-02T17:30"), now="2026-03-02T17:30")
    assert (clock.starts_at, clock.due_at) == (at("2026-03-02T17:30"), at("2026-03-02T19:30"))
    assert not clock.is_phone_call_needed


def test_outside_office_hours_round_the_clock_waits_for_the_opening_when_nobody_calls() -> None:
    clock = only(received("2026-03-06T20:00"), now="2026-03-07T12:00")
    assert (clock.began_at, clock.starts_at) == (at("2026-03-06T20:00"), at("2026-03-09T09:00"))
    assert clock.due_at == at("2026-03-09T11:00")
    assert clock.used == timedelta(0)
    assert clock.is_phone_call_needed


def test_the_first_phone_call_starts_it_and_a_second_one_changes_nothing() -> None:
    events = received("2026-03-06T20:00"), called("2026-03-06T20:10")
    clock = only(*events, now="2026-03-06T21:10")
    assert (clock.starts_at, clock.due_at) == (at("2026-03-06T20:10"), at("2026-03-06T22:10"))
    assert clock.used == HOUR
    assert not clock.is_phone_call_needed
    assert only(*events, called("2026-03-06T21:00"), now="2026-03-06T21:10") == clock


def test_a_call_made_before_the_submission_starts_it_when_it_came() -> None:
    clock = only(received("2026-03-06T20:00"), called("2026-03-06T19:50"))
    assert clock.starts_at == at("2026-03-06T20:00")


def test_a_call_after_the_next_opening_is_too_late_to_start_anything() -> None:
    clock = only(received("2026-03-06T20:00"), called("2026-03-09T10:00"))
    assert clock.due_at == at("2026-03-09T11:00")


def test_a_call_of_the_first_clock_does_not_start_the_second() -> None:
    _, second = clocks(
        received("2026-03-06T20:00"),
        called("2026-03-06T20:10"),
        answered("2026-03-06T21:00"),
        Happening(Event.STILL_HAPPENS, at("2026-03-07T12:00")),
        now="2026-03-07T13:00",
    )
    assert second.starts_at == at("2026-03-09T09:00")
    assert second.is_phone_call_needed


def test_a_plan_without_a_phone_line_counts_at_once() -> None:
    clock = only(received("2026-03-06T20:00"), terms=replace(BUSINESS, needs_phone=False), now="2026-03-06T21:00")
    assert (clock.due_at, clock.used) == (at("2026-03-06T22:00"), HOUR)
    assert not clock.is_phone_call_needed


def test_a_goal_in_office_hours_needs_the_call_too_but_not_to_start() -> None:
    events = received("2026-03-06T20:00", 2), called("2026-03-06T20:10")
    before, after = (only(*events[:count], now="2026-03-06T21:00") for count in (1, 2))
    assert (before.is_phone_call_needed, after.is_phone_call_needed) == (True, False)
    assert before.starts_at == after.starts_at == at("2026-03-06T20:00")
    assert before.due_at == after.due_at == at("2026-03-09T15:00")


def test_no_call_is_asked_for_once_the_office_is_open_or_the_answer_given() -> None:
    assert not only(received("2026-03-06T20:00"), now="2026-03-09T09:00").is_phone_call_needed
    assert not only(
        received("2026-03-06T20:00"), answered("2026-03-06T21:00"), now="2026-03-06T22:00"
    ).is_phone_call_needed


def test_an_answer_before_counting_began_has_used_no_time() -> None:
    clock = only(received("2026-03-06T20:00"), answered("2026-03-07T10:00"))
    assert (clock.outcome, clock.used) == (ClockOutcome.MET, timedelta(0))


def test_raising_counts_the_new_goal_from_then_if_that_is_sooner() -> None:
    clock = only(received("2026-03-02T09:00", 4), changed("2026-03-02T12:00", 1), now="2026-03-02T13:00")
    assert (clock.severity, clock.due_at) == (Severity.CRITICAL, at("2026-03-02T14:00"))
    assert clock.warnings[0] == (50, at("2026-03-02T13:00"))
    assert clock.starts_at == at("2026-03-02T09:00")


def test_raising_late_leaves_the_earlier_due_time_with_its_warnings() -> None:
    before = only(received("2026-03-02T09:00", 2))
    after = only(received("2026-03-02T09:00", 2), changed("2026-03-02T14:30", 1))
    assert (after.severity, after.goal.amount) == (Severity.CRITICAL, 2 * HOUR)
    assert (after.due_at, after.warnings) == (before.due_at, before.warnings)


def test_raising_at_night_waits_for_the_call_like_the_clock_itself() -> None:
    events = received("2026-03-06T20:00", 3), changed("2026-03-06T21:00", 1)
    assert only(*events).due_at == at("2026-03-09T11:00")
    assert only(*events).starts_at == at("2026-03-09T09:00")
    assert only(*events, called("2026-03-06T22:00")).due_at == at("2026-03-07T00:00")
    assert only(events[0], called("2026-03-06T20:30"), events[1]).due_at == at("2026-03-06T23:00")


def test_raising_at_night_counts_at_once_when_the_clock_began_in_office_hours() -> None:
    clock = only(received("2026-03-06T17:00", 2), changed("2026-03-06T21:00", 1))
    assert clock.due_at == at("2026-03-06T23:00")


def test_lowering_makes_it_due_as_if_it_had_been_so_from_the_beginning() -> None:
    events = received("2026-03-02T09:00", 1), changed("2026-03-02T10:00", 4)
    assert only(*events).due_at == only(received("2026-03-02T09:00", 4)).due_at == at("2026-03-03T10:00")
    assert only(*events, changed("2026-03-02T11:00", 2)).due_at == at("2026-03-02T17:00")


def test_what_was_raised_and_lowered_again_forgets_the_raise() -> None:
    events = received("2026-03-02T09:00", 3), changed("2026-03-02T10:00", 1), changed("2026-03-02T10:30", 3)
    assert only(*events) == only(received("2026-03-02T09:00", 3))


def test_the_same_severity_again_changes_nothing() -> None:
    assert only(received("2026-03-02T09:00", 3), changed("2026-03-02T10:00", 3)) == only(
        received("2026-03-02T09:00", 3)
    )


def test_a_raise_to_a_guarantee_is_shown_as_one_though_the_internal_target_decides() -> None:
    clock = only(received("2026-03-02T09:00", 2), changed("2026-03-04T14:00", 1), terms=START)
    assert clock.goal.is_guaranteed
    assert clock.due_at == at("2026-03-04T15:00")


def test_the_sooner_of_two_due_times_is_found_in_the_repeated_hour() -> None:
    goals = {**BUSINESS.goals, Severity.HIGH: Goal(2 * HOUR, "always", is_guaranteed=True)}
    terms = replace(BUSINESS, goals={**goals, Severity.CRITICAL: Goal(HOUR, "always", is_guaranteed=True)})
    terms = replace(terms, needs_phone=False)
    clock = only(received("2026-10-24T23:30+00:00", 2), changed("2026-10-24T23:45+00:00", 1), terms=terms)
    assert clock.due_at == at("2026-10-25T00:45+00:00")


def test_a_new_calendar_moves_the_running_clock_and_no_ended_one() -> None:
    events = (
        received("2026-03-02T16:00", 2),
        answered("2026-03-02T17:00"),
        Happening(Event.STILL_HAPPENS, at("2026-03-02T17:30")),
    )
    old, new = clocks(*events), clocks(*events, revised("2026-03-02T17:40"))
    assert new[0] == old[0]
    assert (old[1].due_at, new[1].due_at) == (at("2026-03-03T14:30"), at("2026-03-04T14:30"))
    assert new[1].starts_at == old[1].starts_at


def test_a_new_calendar_counts_for_the_next_clock_only_when_none_runs() -> None:
    first, second = clocks(
        received("2026-03-02T16:00", 2),
        answered("2026-03-02T17:00"),
        revised("2026-03-02T17:10"),
        Happening(Event.DISPUTED, at("2026-03-02T17:30")),
    )
    assert (first.due_at, second.due_at) == (at("2026-03-03T13:00"), at("2026-03-04T14:30"))


def test_a_new_calendar_moves_a_due_time_that_came_of_a_raise() -> None:
    events = received("2026-03-02T09:00", 4), changed("2026-03-02T14:00", 2)
    assert only(*events).due_at == at("2026-03-03T10:00")
    assert only(*events, revised("2026-03-02T15:00")).due_at == at("2026-03-04T10:00")


def test_a_new_calendar_does_not_move_the_start_that_was_promised() -> None:
    events = received("2026-03-02T20:00"), revised("2026-03-02T21:00")
    assert only(*events).starts_at == at("2026-03-03T09:00")


def test_terms_survive_json() -> None:
    assert Terms.from_document(json.loads(json.dumps(BUSINESS.to_document()))) == BUSINESS


def test_a_happening_that_lacks_what_it_needs_is_refused() -> None:
    when = at("2026-03-02T10:00")
    for event, match in (
        (Event.RECEIVED, "needs a severity"),
        (Event.SEVERITY_CHANGED, "needs a severity"),
        (Event.CALENDAR_CHANGED, "needs a calendar"),
    ):
        with pytest.raises(ValueError, match=match):
            Happening(event, when)
    with pytest.raises(ValueError, match="no offset"):
        Happening(Event.PHONE_CALLED, when.replace(tzinfo=None))


def test_a_history_without_its_beginning_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with received, not with withdrawn"):
        clocks(answered("2026-03-02T10:00", Event.WITHDRAWN))


def test_phone_calls_and_new_calendars_are_public_notes_in_every_open_state() -> None:
    for event in (Event.PHONE_CALLED, Event.CALENDAR_CHANGED):
        move = TRANSITIONS[event]
        assert (move.to, move.is_public) == (None, True)
        assert move.sources == frozenset(State) - {State.CLOSED}


def test_clocks_are_numbered_from_one_and_follow_each_other() -> None:
    events = [received("2026-03-02T10:00", 2)]
    for day in range(3, 7):
        events += [answered(f"2026-03-0{day}T10:00"), Happening(Event.DISPUTED, at(f"2026-03-0{day}T12:00"))]
    found = clocks(*events)
    assert [clock.number for clock in found] == [1, 2, 3, 4, 5]
    assert all(one.ended_at and one.ended_at <= other.began_at for one, other in pairwise(found))
