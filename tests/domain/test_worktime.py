"""Working time: the table of due times, what a calendar refuses, how hours are written."""

import csv
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sigreq.domain.worktime import (
    Calendar,
    CalendarInvalid,
    HoursOverlap,
    Span,
    UnknownTimeZone,
    add_working_time,
    is_open,
    next_opening,
    parse_exceptions,
    parse_hours,
    working_time_between,
)

DATA = Path(__file__).parent / "data"
HOUR = timedelta(hours=1)
OFFICE = parse_hours("Mon-Fri 09:00-18:00")
NIGHTS = parse_hours("Mon-Sun 22:00-06:00 (next day)")


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def holidays_of(region: str) -> frozenset[date]:
    """As the PyPI library `holidays` lists them for 2026."""
    return frozenset(date.fromisoformat(row["day"]) for row in rows("holidays_2026.csv") if row["region"] == region)


def calendar_of(row: dict[str, str]) -> Calendar:
    return Calendar(
        row["time_zone"], parse_hours(row["hours"]), holidays_of(row["holidays"]), parse_exceptions(row["exceptions"])
    )


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("row", rows("due_times.csv"), ids=lambda row: row["case"])
def test_the_due_time_is_the_one_in_the_table(row: dict[str, str]) -> None:
    calendar, goal = calendar_of(row), float(row["working_hours"]) * HOUR
    start, due = datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["due"])
    assert add_working_time(calendar, start, goal).isoformat(timespec="minutes") == due.isoformat(timespec="minutes")
    assert working_time_between(calendar, start, due) == goal


def test_the_moment_of_opening_is_open_and_that_of_closing_is_not() -> None:
    calendar = Calendar("Europe/Berlin", OFFICE)
    moments = [berlin(f"2026-03-02T{clock}") for clock in ("08:59:59", "09:00", "17:59:59", "18:00")]
    assert [is_open(calendar, at) for at in moments] == [False, True, True, False]


def test_a_repeated_hour_is_open_both_times() -> None:
    calendar = Calendar("Europe/Berlin", parse_hours("24x7"))
    assert is_open(calendar, berlin("2026-10-25T02:30"))
    assert is_open(calendar, berlin("2026-10-25T02:30").replace(fold=1))


def test_the_next_opening_of_an_open_calendar_is_now_in_the_calendars_time_zone() -> None:
    at = datetime.fromisoformat("2026-03-02T20:00+09:00")
    assert next_opening(Calendar("Europe/Berlin", OFFICE), at).isoformat() == "2026-03-02T12:00:00+01:00"


def test_the_next_opening_after_easter_is_on_tuesday() -> None:
    calendar = Calendar("Europe/Berlin", OFFICE, holidays_of("DE-BE"))
    assert next_opening(calendar, berlin("2026-04-02T18:00")) == berlin("2026-04-07T09:00")


def test_a_shift_from_the_eve_of_a_holiday_runs_on_and_the_holidays_own_shift_is_dropped() -> None:
    calendar = Calendar("Europe/Berlin", NIGHTS, holidays_of("DE-BE"))
    labour_day = working_time_between(calendar, berlin("2026-05-01T00:00"), berlin("2026-05-02T22:00"))
    assert labour_day == 6 * HOUR


def test_an_exception_gives_hours_even_to_a_holiday() -> None:
    calendar = Calendar(
        "Europe/Berlin", OFFICE, frozenset({date(2026, 5, 1)}), parse_exceptions("2026-05-01 10:00-12:00")
    )
    assert working_time_between(calendar, berlin("2026-05-01T00:00"), berlin("2026-05-02T00:00")) == 2 * HOUR


def test_a_shift_within_the_skipped_hour_does_not_take_place() -> None:
    calendar = Calendar("Europe/Berlin", parse_hours("Mon-Sun 02:00-02:45 03:00-04:00"))
    night = berlin("2026-03-29T00:00"), berlin("2026-03-29T12:00")
    assert working_time_between(calendar, *night) == HOUR
    assert next_opening(calendar, night[0]).isoformat() == "2026-03-29T03:00:00+02:00"


def test_measuring_backwards_is_negative() -> None:
    calendar = Calendar("Europe/Berlin", OFFICE)
    assert working_time_between(calendar, berlin("2026-03-02T12:00"), berlin("2026-03-02T08:00")) == -3 * HOUR


def test_no_working_time_is_due_at_the_next_opening() -> None:
    calendar = Calendar("Europe/Berlin", OFFICE)
    assert add_working_time(calendar, berlin("2026-03-06T20:00"), timedelta(0)) == berlin("2026-03-09T09:00")


def test_working_time_cannot_be_taken_away() -> None:
    with pytest.raises(ValueError, match="not taken away"):
        add_working_time(Calendar("Europe/Berlin", OFFICE), berlin("2026-03-06T20:00"), -HOUR)


def test_a_time_without_an_offset_is_refused() -> None:
    calendar, naive = Calendar("Europe/Berlin", OFFICE), berlin("2026-03-06T20:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="no offset from UTC"):
        add_working_time(calendar, naive, HOUR)
    with pytest.raises(ValueError, match="no offset from UTC"):
        working_time_between(calendar, berlin("2026-03-06T12:00"), naive)


def test_only_24x7_without_exceptions_is_always_open() -> None:
    always = parse_hours("24x7")
    assert Calendar("Europe/Berlin", always).is_always_open
    assert Calendar("Europe/Berlin", parse_hours("Mon-Sun 00:00-24:00")).is_always_open
    assert not Calendar("Europe/Berlin", OFFICE).is_always_open
    assert not Calendar("Europe/Berlin", always, holidays_of("DE-BE")).is_always_open
    assert not Calendar("Europe/Berlin", always, exceptions=parse_exceptions("2026-12-24 closed")).is_always_open


@pytest.mark.parametrize("name", ["", "Berlin", "Europe", "../etc/passwd", "/etc/localtime", "x" * 500, "a\x00b"])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZone, match="for example Europe/Berlin"):
        Calendar(name, OFFICE)


def test_a_calendar_that_never_opens_is_refused() -> None:
    for weekly in ({}, {0: ()}):
        with pytest.raises(CalendarInvalid, match="at least one weekday"):
            Calendar("Europe/Berlin", weekly)


def test_a_weekday_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CalendarInvalid, match="0 \\(Monday\\) to 6"):
        Calendar("Europe/Berlin", {7: OFFICE[0]})


@pytest.mark.parametrize(
    ("hours", "exceptions"),
    [
        ("Mon 09:00-13:00 12:59-18:00", ""),
        ("Mon 14:00-18:00 09:00-13:00", ""),
        ("Mon 22:00-06:00 (next day); Tue 05:59-12:00", ""),
        ("Sun 22:00-06:00 (next day); Mon 05:00-12:00", ""),
        ("Mon-Fri 09:00-18:00", "2026-03-02 09:00-13:00 12:00-14:00"),
        ("Mon-Fri 09:00-18:00", "2026-03-02 20:00-10:00 (next day)"),
        ("Mon-Sun 22:00-06:00 (next day)", "2026-03-02 05:00-12:00"),
    ],
)
def test_hours_that_overlap_are_refused(hours: str, exceptions: str) -> None:
    with pytest.raises(HoursOverlap, match="overlap"):
        Calendar("Europe/Berlin", parse_hours(hours), exceptions=parse_exceptions(exceptions))


def test_hours_may_touch() -> None:
    hours = parse_hours("Mon 09:00-13:00 13:00-22:00 22:00-06:00 (next day); Tue 06:00-12:00")
    calendar = Calendar("Europe/Berlin", hours)
    assert add_working_time(calendar, berlin("2026-03-02T09:00"), 27 * HOUR) == berlin("2026-03-03T12:00")


@pytest.mark.parametrize(
    ("start", "end", "ends_next_day"),
    [(time(9), time(9), False), (time(22), time(6), False), (time(9), time(9, 1), True)],
)
def test_a_span_of_nothing_or_of_more_than_a_day_is_refused(start: time, end: time, *, ends_next_day: bool) -> None:
    with pytest.raises(CalendarInvalid, match=r"ends before it begins|longer than 24 hours"):
        Span(start, end, ends_next_day)


def test_hours_are_read_part_by_part() -> None:
    assert parse_hours("mon-tue 09:00-13:00  14:00-18:00; Sat-Sun 10:00-24:00") == {
        **dict.fromkeys((0, 1), (Span(time(9), time(13)), Span(time(14), time(18)))),
        **dict.fromkeys((5, 6), (Span(time(10), time(0), ends_next_day=True),)),
    }
    assert sorted(parse_hours("Sat-Mon 09:00-12:00")) == [0, 5, 6]


def test_exceptions_are_read_part_by_part() -> None:
    assert parse_exceptions("2026-12-24 closed; 2026-12-31 09:00-12:00 13:00-14:00") == {
        date(2026, 12, 24): (),
        date(2026, 12, 31): (Span(time(9), time(12)), Span(time(13), time(14))),
    }
    assert parse_exceptions(" ") == {}


@pytest.mark.parametrize(
    "text", ["", "24/7", "Mon", "Mon 9-18", "Mon 09:00", "Mon-Fri 09:00-18:00;", "Mon closed", "Foo 09:00-10:00",
             "Mon 09:00-25:00", "Mon 24:00-06:00", "Mon 09:00-09:00", "Mon 22:00-06:00",
             "Mon 09:00-10:00; Mon-Fri 11:00-12:00"],
)  # fmt: skip
def test_hours_in_another_form_are_refused(text: str) -> None:
    with pytest.raises(CalendarInvalid):
        parse_hours(text)


@pytest.mark.parametrize(
    "text", ["closed", "2026-02-29 closed", "24.12.2026 closed", "2026-12-24", "2026-12-24 closed 09:00-10:00",
             "2026-12-24 24x7", "9999-12-31 closed", "2026-12-24 closed; 2026-12-24 09:00-12:00"],
)  # fmt: skip
def test_exceptions_in_another_form_are_refused(text: str) -> None:
    with pytest.raises(CalendarInvalid):
        parse_exceptions(text)
