"""The answer clock against a watch that is looked at minute by minute."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from sigreq.domain.clock import Clock, ClockOutcome, Happening, Terms, replay
from sigreq.domain.lifecycle import Event
from sigreq.domain.plans import Goal
from sigreq.domain.submission import Severity
from sigreq.domain.worktime import Calendar, parse_exceptions, parse_hours

MINUTE = timedelta(minutes=1)
# A Thursday; on the Sunday clocks in Berlin go forward.
MONDAY_LATER = "2026-03-30"
BEGIN = datetime(2026, 3, 26, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DAYS_AND_HOURS = {
    ("office", 1): (range(5), range(9, 18), ()),
    ("office", 2): (range(5), range(8, 16), (MONDAY_LATER,)),
    ("always", 1): (range(7), range(24), ()),
    ("always", 2): (range(7), range(24), (MONDAY_LATER,)),
}
CALENDARS = {
    ("office", 1): Calendar("Europe/Berlin", parse_hours("Mon-Fri 09:00-18:00")),
    ("office", 2): Calendar(
        "Europe/Berlin", parse_hours("Mon-Fri 08:00-16:00"), exceptions=parse_exceptions(f"{MONDAY_LATER} closed")
    ),
    ("always", 1): Calendar("Europe/Berlin", parse_hours("24x7")),
    ("always", 2): Calendar(
        "Europe/Berlin", parse_hours("24x7"), frozenset({datetime(2026, 3, 30, tzinfo=UTC).date()})
    ),
}
GOALS = st.builds(
    Goal, st.integers(1, 600).map(lambda n: n * MINUTE), st.sampled_from(["office", "always"]), st.booleans()
)
TERMS = st.builds(
    Terms,
    st.fixed_dictionaries(dict.fromkeys(Severity, GOALS)),
    office=st.just("office"),
    needs_phone=st.booleans(),
    calendars=st.just({"office": 1, "always": 1}),
)
SEVERITIES = st.sampled_from(Severity)
MINUTES = st.integers(0, 4 * 24 * 60)


def at(minute: int) -> datetime:
    return BEGIN + minute * MINUTE


@cache
def is_open(calendar: tuple[str, int], minute: int) -> bool:
    """Look at the wall."""
    days, hours, closed = DAYS_AND_HOURS[calendar]
    wall = at(minute).astimezone(BERLIN)
    return wall.weekday() in days and wall.hour in hours and wall.date().isoformat() not in closed


NOTES = st.one_of(
    st.builds(Happening, st.just(Event.PHONE_CALLED), MINUTES.map(at)),
    st.builds(Happening, st.just(Event.SEVERITY_CHANGED), MINUTES.map(at), SEVERITIES),
    st.builds(
        Happening,
        st.just(Event.CALENDAR_CHANGED),
        MINUTES.map(at),
        calendar=st.sampled_from(["office", "always"]),
        revision=st.sampled_from([1, 2]),
    ),
    st.builds(Happening, st.just(Event.ANSWERED), MINUTES.map(at)),
)
ENDS_AND_BEGINNINGS = st.one_of(
    st.builds(
        Happening, st.sampled_from([Event.ANSWERED, Event.ASKED]), MINUTES.map(at), is_qualified=st.just(value=True)
    ),
    st.builds(Happening, st.sampled_from([Event.WITHDRAWN, Event.STILL_HAPPENS, Event.DISPUTED]), MINUTES.map(at)),
)


@st.composite
def histories(draw: st.DrawFn, *, of_one_clock: bool = False) -> list[Happening]:
    """A submission received, and what happened in the order of time; also at the same minute."""
    events = draw(st.lists(NOTES if of_one_clock else NOTES | ENDS_AND_BEGINNINGS, max_size=8))
    received = Happening(Event.RECEIVED, at(draw(st.integers(0, 2 * 24 * 60))), draw(SEVERITIES))
    later = sorted((event for event in events if event.at >= received.at), key=lambda event: event.at)
    return [received, *later]


@dataclass
class Promise:
    """A goal that was set at some minute; whether it waits for a call or the opening is decided then."""

    since: int
    goal: Goal
    waits: bool


@dataclass
class Watch:
    """What somebody knows who wrote down every event of one clock and now looks at every minute."""

    terms: Terms
    began: int
    severity: Severity
    revisions: dict[str, int]
    call: float = float("inf")
    opening: float = 0
    own: Promise = field(init=False)
    promises: list[Promise] = field(init=False)

    def __post_init__(self) -> None:
        office = ("office", self.revisions["office"])
        if self.terms.needs_phone and not is_open(office, self.began):
            self.opening = next(minute for minute in count(self.began) if is_open(office, minute))
        self.own = self.promise(self.began)
        self.promises = [self.own]

    def promise(self, since: int) -> Promise:
        goal = self.terms.goals[self.severity]
        return Promise(since, goal, waits=(goal.calendar, self.revisions[goal.calendar]) == ("always", 1))

    def write_down(self, event: Happening) -> None:
        minute = int((event.at - BEGIN) / MINUTE)
        if event.event is Event.PHONE_CALLED:
            self.call = min(self.call, minute)
        elif event.calendar is not None and event.revision is not None:
            self.revisions[event.calendar] = event.revision
        elif event.event is Event.SEVERITY_CHANGED and event.severity is not None:
            was, self.severity = self.severity, event.severity
            if self.severity != was:
                self.own = self.promise(self.began)
                is_raised = self.severity < was
                self.promises = [*self.promises, self.promise(minute)] if is_raised else [self.own]

    def has_begun(self, promise: Promise, minute: int) -> bool:
        return minute >= promise.since and (not promise.waits or minute >= min(self.call, self.opening))

    def counts(self, promise: Promise, minute: int) -> bool:
        calendar = promise.goal.calendar
        return self.has_begun(promise, minute) and is_open((calendar, self.revisions[calendar]), minute)

    def due(self) -> int:
        left = [promise.goal.amount // MINUTE for promise in self.promises]
        for minute in count(self.began):
            for number, promise in enumerate(self.promises):
                left[number] -= self.counts(promise, minute)
                if left[number] == 0:
                    return minute + 1
        raise AssertionError

    def start(self) -> int:
        return next(minute for minute in count(self.began) if self.has_begun(self.own, minute))

    def used(self, until: int) -> timedelta:
        return sum(self.counts(self.own, minute) for minute in range(self.began, until)) * MINUTE

    def is_call_needed(self, now: int) -> bool:
        return now < self.opening and self.call == float("inf")


def last_clock(history: list[Happening], terms: Terms, now: datetime) -> Clock:
    return replay(history, terms, CALENDARS, now)[-1]


@settings(max_examples=300)
@given(histories(of_one_clock=True), TERMS, st.integers(0, 24 * 60))
def test_the_clock_agrees_with_a_watch_looked_at_minute_by_minute(
    history: list[Happening], terms: Terms, after: int
) -> None:
    began = int((history[0].at - BEGIN) / MINUTE)
    watch = Watch(terms, began, history[0].severity or Severity.LOW, dict(terms.calendars))
    for event in history[1:]:
        watch.write_down(event)
    now = int((history[-1].at - BEGIN) / MINUTE) + after
    (clock,) = replay(history, terms, CALENDARS, at(now))
    assert (clock.severity, clock.goal) == (watch.severity, watch.own.goal)
    assert clock.starts_at == at(watch.start())
    assert clock.due_at == at(watch.due())
    assert clock.used == watch.used(now)
    assert clock.is_phone_call_needed is watch.is_call_needed(now)
    assert clock.is_overdue(at(now)) is (now > watch.due())
    (ended,) = replay([*history, Happening(Event.ASKED, at(now), is_qualified=True)], terms, CALENDARS, at(now))
    assert ended.outcome is (ClockOutcome.MISSED if now > watch.due() else ClockOutcome.MET)
    assert (ended.due_at, ended.used, ended.ended_at) == (clock.due_at, clock.used, at(now))


@given(histories(of_one_clock=True), TERMS, st.integers(0, 600), SEVERITIES)
def test_raising_never_makes_the_answer_due_later(
    history: list[Happening], terms: Terms, after: int, severity: Severity
) -> None:
    when = history[-1].at + after * MINUTE
    before = last_clock(history, terms, when)
    changed = last_clock([*history, Happening(Event.SEVERITY_CHANGED, when, severity)], terms, when)
    if severity <= before.severity:
        assert changed.due_at <= before.due_at
    assert changed.severity == severity


@given(histories(of_one_clock=True), TERMS, st.integers(-600, 600))
def test_a_phone_call_never_makes_the_answer_due_later(history: list[Happening], terms: Terms, after: int) -> None:
    when = history[-1].at + after * MINUTE
    before = last_clock(history, terms, history[-1].at)
    called = last_clock([*history, Happening(Event.PHONE_CALLED, when)], terms, history[-1].at)
    assert called.due_at <= before.due_at
    assert called.starts_at <= before.starts_at
    assert called.starts_at >= called.began_at


@given(histories(), TERMS, st.integers(0, 600))
def test_the_history_up_to_some_event_gives_the_state_of_then_and_later_events_change_no_ended_clock(
    history: list[Happening], terms: Terms, after: int
) -> None:
    now = history[-1].at + after * MINUTE
    whole = replay(history, terms, CALENDARS, now)
    for length in range(1, len(history)):
        part = replay(history[:length], terms, CALENDARS, history[length].at)
        ended = [clock for clock in part if clock.outcome is not ClockOutcome.RUNNING]
        assert list(whole[: len(ended)]) == ended
        if len(part) > len(ended):
            assert whole[len(ended)].began_at == part[-1].began_at
        assert part == replay(history[:length], terms, CALENDARS, history[length].at)
    assert [clock.number for clock in whole] == list(range(1, len(whole) + 1))
    assert [clock.outcome for clock in whole[:-1]].count(ClockOutcome.RUNNING) == 0


@given(histories(), TERMS)
def test_warnings_come_in_order_and_the_last_one_is_the_due_time(history: list[Happening], terms: Terms) -> None:
    for clock in replay(history, terms, CALENDARS, history[-1].at):
        moments = [moment for _, moment in clock.warnings]
        assert moments == sorted(moments)
        assert moments[-1] == clock.due_at
        assert [percent for percent, _ in clock.warnings] == [50, 75, 90, 100]
        assert clock.used >= timedelta(0)
