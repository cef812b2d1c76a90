"""Trains: when a product's next database version goes out, and when a submission may expect its change."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from sigreq.domain import release_reasons
from sigreq.domain.submission import Track
from sigreq.domain.worktime import first_moment

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_TIMES = 48
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY = timedelta(days=1)
# A week, and a day on both sides: a clock change, or a zone that drops a date, moves a departure by less than one.
_DAYS_AHEAD = range(-1, 10)


class ScheduleUnfit(ValueError):
    """No train could run by this schedule."""

    def __init__(self, why: release_reasons.WhyNoTrain) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True)
class Schedule:
    """On which days and at which times of day trains depart, as clocks of the zone show them.

    `weekdays` count from 0 for Monday. Raises ScheduleUnfit where something is missing, or not known.
    """

    weekdays: tuple[int, ...]
    times: tuple[time, ...]
    time_zone: str

    def __post_init__(self) -> None:
        """Refuse what has no departure."""
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise ScheduleUnfit(release_reasons.DaysMissing(", ".join(WEEKDAYS)))
        if not 0 < len(self.times) <= MOST_TIMES:
            raise ScheduleUnfit(release_reasons.TimesMissing(MOST_TIMES))
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as error:  # OSError: a folder of zones, or a name far too long
            raise ScheduleUnfit(release_reasons.ZoneUnknown(self.time_zone[:100])) from error

    @classmethod
    def read(cls, days: Iterable[str], times: Iterable[str], time_zone: str) -> Self:
        """From words: `mon` to `sun`, and times such as 06:00. Raises ScheduleUnfit."""
        named, clock = [each.lower() for each in days], list(times)
        for day in named:
            if day not in WEEKDAYS:
                raise ScheduleUnfit(release_reasons.DayUnknown(day[:100], ", ".join(WEEKDAYS)))
        for each in clock:
            if not _TIME.fullmatch(each):
                raise ScheduleUnfit(release_reasons.TimeUnreadable(each[:100]))
        numbers = sorted({WEEKDAYS.index(day) for day in named})
        return cls(tuple(numbers), tuple(sorted({time.fromisoformat(each) for each in clock})), time_zone)

    def document(self) -> dict[str, Any]:
        """The same in words."""
        days = [WEEKDAYS[each] for each in self.weekdays]
        return {"days": days, "times": [f"{each:%H:%M}" for each in self.times], "time_zone": self.time_zone}

    def next_departure(self, after: datetime) -> datetime:
        """The first departure later than that moment, in UTC.

        A time that a clock change skips departs at the jump, one that clocks show twice departs the first time.
        """
        zone = ZoneInfo(self.time_zone)
        today = after.astimezone(zone).date()
        days = [day for day in (today + _DAY * ahead for ahead in _DAYS_AHEAD) if day.weekday() in self.weekdays]
        departures = (first_moment(zone, datetime.combine(day, each)) for day in days for each in self.times)
        return min(each for each in departures if each > after).astimezone(UTC)


def departure(schedule: Schedule | None, approved_at: datetime, *, is_at_once: bool) -> datetime:
    """When an approved change goes out: with the next train, or as soon as it is approved.

    Without trains all go as soon as they are approved, else those that may go as an extra: see `extras.goes_at_once`.
    """
    if schedule is None or is_at_once:
        return approved_at
    return schedule.next_departure(approved_at)


@dataclass(frozen=True)
class Awaited:
    """A change that is not out yet; `approved_at` is None until it is approved. See `departure` for the other."""

    is_at_once: bool
    approved_at: datetime | None


def expected_release(
    schedule: Schedule | None, track: Track, awaited: Sequence[Awaited], now: datetime
) -> datetime | None:
    """When a determined submission may expect its last change; in the past where that is due at any moment.

    None where nobody can say: what is urgent, or has no train, goes out as soon as it is approved. Before any change is
    drafted the submission's own track counts.
    """
    approved = [(each.approved_at, each.is_at_once) for each in awaited if each.approved_at is not None]
    if awaited and len(approved) == len(awaited):
        return max(departure(schedule, at, is_at_once=is_at_once) for at, is_at_once in approved)
    pending = {each.is_at_once for each in awaited if each.approved_at is None} or {track is Track.EXPEDITED}
    return schedule.next_departure(now) if schedule is not None and False in pending else None
