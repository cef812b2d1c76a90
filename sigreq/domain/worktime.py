"""Working time: opening hours as a value, and adding and measuring time that counts only while it is open.

Time is real elapsed time. A local time that a clock change skips is the moment of the jump; one that occurs twice is
its first occurrence. A shift belongs to the day it starts on: if that day is a holiday it is dropped whole, and the
shift that began the evening before a holiday runs on to its end.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count, pairwise, takewhile
from typing import TypeVar
from zoneinfo import ZoneInfo

_Key = TypeVar("_Key", int, date)

_DAY = timedelta(days=1)
_SOME_MONDAY = date(2024, 1, 1)


class CalendarInvalid(ValueError):
    """These hours cannot be worked with; the message says why."""


class UnknownTimeZone(CalendarInvalid):
    """No time zone of this name is known here."""


class NoHours(CalendarInvalid):
    """A calendar that never opens: adding working time would never end."""


class HoursOverlap(CalendarInvalid):
    """Two spans share time, or stand in the wrong order."""


class HoursUnparseable(CalendarInvalid):
    """A text of hours is not in the form that the message shows."""


@dataclass(frozen=True)
class Span:
    """Open from `start` until `end`, local times without a zone; at most 24 hours."""

    start: time
    end: time
    ends_next_day: bool = False

    def __post_init__(self) -> None:
        """Refuse a span of nothing or of more than a day."""
        if self.ends_next_day and self.end > self.start:
            message = f"{self} is longer than 24 hours."
            raise CalendarInvalid(message)
        if not self.ends_next_day and self.end <= self.start:
            message = f"{self} ends before it begins; write (next day) after hours that go past midnight."
            raise CalendarInvalid(message)

    def __str__(self) -> str:
        """As `parse_hours` reads it."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}{' (next day)' if self.ends_next_day else ''}"

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Wall-clock begin and end of the shift that starts on this day."""
        return datetime.combine(day, self.start), datetime.combine(day + _DAY * self.ends_next_day, self.end)


_WHOLE_DAY = (Span(time(0), time(0), ends_next_day=True),)
_ROUND_THE_CLOCK = dict.fromkeys(range(7), _WHOLE_DAY)


@dataclass(frozen=True)
class Calendar:
    """Opening hours by weekday (0 is Monday), none on holidays; `exceptions` replace the hours of any day.

    Raises a subclass of CalendarInvalid when it could not be worked with.
    """

    time_zone: str
    weekly: Mapping[int, tuple[Span, ...]]
    holidays: frozenset[date] = frozenset()
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what would otherwise go wrong at some later due time."""
        _refuse_unknown_zone(self.time_zone)
        if not self.weekly.keys() <= set(range(7)):
            message = f"Weekdays are 0 (Monday) to 6 (Sunday), not {sorted(self.weekly)}."
            raise CalendarInvalid(message)
        if not any(self.weekly.values()):
            message = "A calendar needs opening hours on at least one weekday."
            raise NoHours(message)
        _refuse_overlap((_SOME_MONDAY + _DAY * n, self.weekly.get(n % 7, ())) for n in range(8))
        for day in self.exceptions:
            _refuse_overlap((near, self.spans_on(near)) for near in (day - _DAY, day, day + _DAY))

    @property
    def is_always_open(self) -> bool:
        """Whether this is 24x7 without any exception."""
        return not self.holidays and not self.exceptions and dict(self.weekly) == _ROUND_THE_CLOCK

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """The shifts that start on this day."""
        replaced = self.exceptions.get(day)
        if replaced is not None:
            return replaced
        return () if day in self.holidays else self.weekly.get(day.weekday(), ())


def _refuse_unknown_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # OSError: the name of a folder of zones, or one far too long
        message = f"There is no time zone {name!r}. Expected an IANA name, for example Europe/Berlin."
        raise UnknownTimeZone(message) from error


def _refuse_overlap(days: Iterable[tuple[date, tuple[Span, ...]]]) -> None:
    shifts = [(day, span) for day, spans in days for span in spans]
    for (day, span), (next_day, next_span) in pairwise(shifts):
        if next_span.on(next_day)[0] < span.on(day)[1]:
            message = f"{day:%a} {span} and {next_day:%a} {next_span} overlap or stand in the wrong order."
            raise HoursOverlap(message)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether working time runs at this moment. The moment of opening is open, that of closing is not."""
    return next(_open_from(calendar, at))[0] == _in_utc(at)


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """The first open moment, which is `at` itself when it is open. In the calendar's time zone."""
    return next(_open_from(calendar, at))[0].astimezone(ZoneInfo(calendar.time_zone))


def add_working_time(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    """The earliest moment by which `amount` of working time has run since `start`. In the calendar's time zone.

    An amount that ends with a shift is due at closing, not at the next opening; no amount is due at the next opening.
    Raises ValueError for a negative amount.
    """
    if amount < timedelta(0):
        message = f"Working time can be added, not taken away: {amount}."
        raise ValueError(message)
    spans = _open_from(calendar, start)
    opens, closes = next(spans)
    while amount > closes - opens:
        amount -= closes - opens
        opens, closes = next(spans)
    return (opens + amount).astimezone(ZoneInfo(calendar.time_zone))


def working_time_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """How much working time runs from `start` to `end`; negative when `end` comes first."""
    begin, finish = _in_utc(start), _in_utc(end)
    if finish < begin:
        return -working_time_between(calendar, finish, begin)
    spans = takewhile(lambda span: span[0] < finish, _open_from(calendar, begin))
    return sum((min(closes, finish) - opens for opens, closes in spans), timedelta(0))


def _in_utc(at: datetime) -> datetime:
    """In UTC, where alone differences and comparisons are of real time. A time without an offset is refused."""
    if at.utcoffset() is None:
        message = f"{at.isoformat()} has no offset from UTC."
        raise ValueError(message)
    return at.astimezone(UTC)


def _open_from(calendar: Calendar, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """All that is open from `at` on, without end: pairs of moments in UTC, in order, the first cut to begin at `at`."""
    begin = _in_utc(at)
    # A shift that is still on may have begun the day before.
    first_day = begin.astimezone(ZoneInfo(calendar.time_zone)).date() - _DAY
    for number in count():
        day = first_day + _DAY * number
        for opens, closes in _shifts(calendar.time_zone, day, calendar.spans_on(day)):
            if closes > begin:
                yield max(opens, begin), closes


@lru_cache(maxsize=4096)
def _shifts(time_zone: str, day: date, spans: tuple[Span, ...]) -> tuple[tuple[datetime, datetime], ...]:
    """Moments in UTC at which the shifts of one day begin and end, without those that a clock change swallows."""
    zone = ZoneInfo(time_zone)
    moments = [tuple(first_moment(zone, wall) for wall in span.on(day)) for span in spans]
    return tuple((opens, closes) for opens, closes in moments if opens < closes)


def first_moment(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first moment in UTC at which clocks of the zone show this time or, where it is skipped, a later one."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first
    # The time is skipped: with the offset after the jump it reads as before the jump, and the other way round.
    gap = range(int((first - second).total_seconds()) + 1)
    jump = bisect_left(gap, wall, key=lambda s: (second + timedelta(seconds=s)).astimezone(zone).replace(tzinfo=None))
    return second + timedelta(seconds=jump)


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = r"([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})(\s*\(next day\))?"
_SPANS = rf"{_SPAN}(?:\s+{_SPAN})*"
_DAYS = "|".join(_WEEKDAYS)
_WEEKLY_PART = re.compile(rf"(?P<first>{_DAYS})(?:-(?P<last>{_DAYS}))?\s+(?P<spans>{_SPANS})", re.ASCII)
_EXCEPTION = re.compile(rf"(?P<day>[12][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}})\s+(?:closed|(?P<spans>{_SPANS}))", re.ASCII)

_HOURS_FORM = "24x7, Mon-Fri 09:00-13:00 14:00-18:00; Sat 10:00-12:00, or Mon-Sun 22:00-06:00 (next day)"
_EXCEPTIONS_FORM = "2026-12-24 closed; 2026-12-31 09:00-12:00"


def parse_hours(text: str) -> dict[int, tuple[Span, ...]]:
    """Read weekly hours, parts separated by semicolons; a weekday that is not named is closed.

    Raises HoursUnparseable, and CalendarInvalid for a span that cannot be.
    """
    if text.strip().lower() == "24x7":
        return dict(_ROUND_THE_CLOCK)
    weekly: dict[int, tuple[Span, ...]] = {}
    for part in text.split(";"):
        found = _read(_WEEKLY_PART, part, _HOURS_FORM)
        first = _WEEKDAYS.index(found["first"])
        last = _WEEKDAYS.index(found["last"] or found["first"])
        for number in range(first, first + (last - first) % 7 + 1):
            _put(weekly, number % 7, _read_spans(found["spans"]), part)
    return weekly


def parse_exceptions(text: str) -> dict[date, tuple[Span, ...]]:
    """Read the days that differ, separated by semicolons; none in an empty text. Raises as `parse_hours` does."""
    exceptions: dict[date, tuple[Span, ...]] = {}
    for part in text.split(";") if text.strip() else ():
        found = _read(_EXCEPTION, part, _EXCEPTIONS_FORM)
        try:
            day = date.fromisoformat(found["day"])
        except ValueError as error:
            message = f"There is no day {found['day']}."
            raise HoursUnparseable(message) from error
        _put(exceptions, day, _read_spans(found["spans"] or ""), part)
    return exceptions


def _read(pattern: re.Pattern[str], part: str, form: str) -> re.Match[str]:
    found = pattern.fullmatch(part.strip().lower())
    if found is None:
        message = f"{part.strip()!r} is not understood. Expected for example {form}."
        raise HoursUnparseable(message)
    return found


def _read_spans(text: str) -> tuple[Span, ...]:
    return tuple(_read_span(*found.groups()) for found in re.finditer(_SPAN, text))


def _read_span(start: str, end: str, next_day: str | None) -> Span:
    """24:00 is the next day's midnight."""
    is_midnight = end == "24:00" and next_day is None
    try:
        begins, ends = time.fromisoformat(start), time(0) if is_midnight else time.fromisoformat(end)
    except ValueError as error:
        message = f"{start}-{end} is not between 00:00 and 24:00."
        raise HoursUnparseable(message) from error
    return Span(begins, ends, ends_next_day=is_midnight or next_day is not None)


def _put(into: dict[_Key, tuple[Span, ...]], key: _Key, spans: tuple[Span, ...], part: str) -> None:
    if key in into:
        message = f"{part.strip()!r} names a day that has its hours already."
        raise HoursUnparseable(message)
    into[key] = spans
