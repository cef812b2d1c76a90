"""Working time around clock changes, against a wall clock that is watched minute by minute."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sigreq.domain.worktime import (
    Calendar,
    CalendarInvalid,
    Span,
    add_working_time,
    is_open,
    next_opening,
    working_time_between,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEEK = 7 * 24 * 60

# Three days around a clock change each: by an hour and by half an hour, at midnight, across midnight, over a whole day.
SCENES = [
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
    ("America/New_York", date(2026, 3, 7)),
    ("America/New_York", date(2026, 10, 31)),
    ("America/Havana", date(2026, 3, 7)),
    ("America/Havana", date(2026, 10, 31)),
    ("Australia/Lord_Howe", date(2026, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 3)),
    ("America/St_Johns", date(2010, 11, 6)),
    ("Pacific/Apia", date(2011, 12, 29)),
    ("Asia/Kolkata", date(2026, 1, 1)),
]
MINUTES_OF_WEEK = st.integers(0, WEEK - 1) | st.builds(
    lambda day, quarter: day * 24 * 60 + quarter * 15, st.integers(0, 6), st.integers(0, 16)
)


def span_of(start: int, length: int) -> Span:
    end = start % (24 * 60) + length
    begin, finish = (time(minute // 60 % 24, minute % 60) for minute in (start % (24 * 60), end))
    return Span(begin, finish, ends_next_day=end >= 24 * 60)


@st.composite
def calendars(draw: st.DrawFn, scene: tuple[str, date]) -> Calendar:
    zone, first_day = scene
    edges = sorted(draw(st.lists(MINUTES_OF_WEEK, min_size=6, max_size=24, unique=True)))
    shift = draw(st.integers(0, 6))
    weekly: dict[int, tuple[Span, ...]] = {}
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        if end - start <= 24 * 60:
            day = (start // (24 * 60) + shift) % 7
            weekly[day] = (*weekly.get(day, ()), span_of(start, end - start))
    near = st.integers(-1, 4).map(lambda n: first_day + timedelta(days=n))
    hours = st.sampled_from([(), (span_of(120, 60),), (span_of(600, 45), span_of(1380, 200))])
    try:
        return Calendar(
            zone, weekly, draw(st.frozensets(near, max_size=2)), draw(st.dictionaries(near, hours, max_size=2))
        )
    except CalendarInvalid:
        assume(condition=False)
        raise


def watched(calendar: Calendar, start: datetime, minutes: int) -> Iterator[bool]:
    """Watch the wall clock: whether each minute from `start` on is open.

    While the clock is behind a time that it has shown already, that time still counts.
    """
    zone, highest = ZoneInfo(calendar.time_zone), datetime.min  # noqa: DTZ901
    for minute in range(-26 * 60, minutes):
        highest = max(highest, (start + minute * MINUTE).astimezone(zone).replace(tzinfo=None))
        if minute >= 0:
            days = (highest.date() - timedelta(days=1), highest.date())
            shifts = [span.on(day) for day in days for span in calendar.spans_on(day)]
            yield any(begins <= highest < ends for begins, ends in shifts)


@settings(max_examples=60)
@given(st.data(), st.sampled_from(SCENES), st.integers(0, 2 * 24 * 60), st.integers(1, 3 * 24 * 60))
def test_adding_and_measuring_agree_with_a_clock_watched_minute_by_minute(
    data: st.DataObject, scene: tuple[str, date], offset: int, minutes: int
) -> None:
    calendar = data.draw(calendars(scene))
    start = datetime.combine(scene[1], time(0), UTC) + offset * MINUTE
    opens = list(watched(calendar, start, minutes))
    worked = list(accumulate(map(int, opens)))
    assert working_time_between(calendar, start, start + minutes * MINUTE) == worked[-1] * MINUTE
    assert is_open(calendar, start) is opens[0]
    if worked[-1]:
        # In UTC: Python never calls a repeated local time equal to the same moment in another zone.
        assert next_opening(calendar, start).astimezone(UTC) == start + opens.index(True) * MINUTE
        goal = data.draw(st.integers(1, worked[-1]))
        due = add_working_time(calendar, start, goal * MINUTE)
        assert due.astimezone(UTC) == start + (worked.index(goal) + 1) * MINUTE
        assert due.tzinfo == ZoneInfo(calendar.time_zone)


@given(
    st.data(), st.sampled_from(SCENES), st.timedeltas(timedelta(0), timedelta(days=3)), st.timedeltas(MINUTE, 40 * HOUR)
)
def test_measuring_undoes_adding_and_no_earlier_moment_would_do(
    data: st.DataObject, scene: tuple[str, date], offset: timedelta, amount: timedelta
) -> None:
    calendar = data.draw(calendars(scene))
    start = datetime.combine(scene[1], time(0), UTC) + offset
    due = add_working_time(calendar, start, amount)
    assert working_time_between(calendar, start, due) == amount
    just_before = due.astimezone(UTC) - timedelta(microseconds=1)
    assert working_time_between(calendar, start, just_before) == amount - timedelta(microseconds=1)


@given(
    st.data(), st.sampled_from(SCENES), st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), min_size=3, max_size=3)
)
def test_what_is_measured_in_two_parts_is_the_whole(
    data: st.DataObject, scene: tuple[str, date], offsets: list[timedelta]
) -> None:
    calendar = data.draw(calendars(scene))
    first, second, third = (datetime.combine(scene[1], time(0), UTC) + offset for offset in offsets)
    in_parts = working_time_between(calendar, first, second) + working_time_between(calendar, second, third)
    assert in_parts == working_time_between(calendar, first, third)
