"""Public holidays of a country or of a part of it, and calendars that keep them: the only user of `holidays`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import holidays

from sigreq.domain.worktime import Calendar, Span

_WORKDAYS = range(5)


class UnknownRegion(ValueError):
    """The library knows no public holidays for this region."""


@dataclass(frozen=True)
class Holidays:
    """Days that are off, among them those that are observed instead, and weekend days that are worked instead."""

    closed: frozenset[date] = frozenset()
    extra_workdays: frozenset[date] = frozenset()


def public_holidays(region: str, years: Iterable[int]) -> Holidays:
    """The public holidays of a region such as US or DE-BE in these years. Raises UnknownRegion.

    Some governments move workdays to weekends from year to year: of a year they have not settled, only the holidays
    are known.
    """
    country, dash, subdivision = region.partition("-")
    if country not in holidays.list_supported_countries() or bool(dash) != bool(subdivision):
        raise UnknownRegion(f"There are no public holidays of {region!r}. Expected for example US or DE-BE.")
    asked = frozenset(years)
    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=asked)
    except NotImplementedError as error:
        raise UnknownRegion(f"{country} has no part {subdivision!r} with public holidays of its own.") from error
    # The library also names moved workdays of years that were not asked for.
    worked = frozenset(day for day in found.weekend_workdays if day.year in asked and found.is_working_day(day))
    return Holidays(frozenset(day for day in found if day.year in asked) - worked, worked)


def calendar_with(
    public: Holidays,
    time_zone: str,
    weekly: Mapping[int, tuple[Span, ...]],
    exceptions: Mapping[date, tuple[Span, ...]],
) -> Calendar:
    """A calendar that is closed on the holidays; `exceptions` go before all else. Raises CalendarInvalid.

    A weekend day that is worked instead has the hours of the week's first workday that has any.
    """
    hours = next((weekly[number] for number in _WORKDAYS if weekly.get(number)), None)
    moved = {} if hours is None else dict.fromkeys(public.extra_workdays, hours)
    return Calendar(time_zone, weekly, public.closed, {**moved, **exceptions})
