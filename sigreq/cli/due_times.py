"""`sigreq admin due-times`: are answers due when a file says they are?"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import click

from sigreq.cli.kinds import FILE_THERE
from sigreq.cli.options import Failure
from sigreq.cli.output import plain, table
from sigreq.domain.worktime import Calendar, Span, add_working_time, parse_exceptions, parse_hours

COLUMNS = ("case", "time_zone", "hours", "holidays", "exceptions", "submitted", "goal_hours", "due")

_MOST_HOURS = 1000
_Value = TypeVar("_Value")
_Hours = tuple[Span, ...]


class FileUnusable(Failure):
    """Ends the command with exit code 2, as a wrong command line does."""

    exit_code = 2


@dataclass(frozen=True)
class Case:
    """One line of the file, with the moment it expects and the one computed, both in the calendar's time zone."""

    line: int
    name: str
    submitted: datetime
    goal_hours: float
    due: datetime
    expected: datetime

    @property
    def is_equal(self) -> bool:
        """Whether both are the same moment: in one time zone alone, a repeated hour would look the same."""
        return self.due.astimezone(UTC) == self.expected.astimezone(UTC)


@click.command("due-times")
@click.argument("file", type=FILE_THERE)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.pass_context
def due_times(ctx: click.Context, file: Path, *, is_json: bool) -> None:
    """Check the due times of a file. Needs no server.

    They are computed and shown beside the expected ones. FILE is a CSV file with the columns case, time_zone, hours,
    holidays, exceptions, submitted, goal_hours and due. The hours are written as in "Mon-Fri 09:00-18:00",
    "Mon-Sun 22:00-06:00 (next day)" or "24x7", exceptions as in "2026-12-24 closed; 2026-12-31 09:00-12:00", holidays
    as a country or a part of one, as in US or DE-BE; the last two may be empty. Times have an offset, as in
    2026-03-02T10:00+01:00.

    Exits with 1 when a due time differs, and with 2 when the file cannot be read.
    """
    try:
        cases = list(_read(file))
    except (OSError, ValueError) as error:
        message = plain(f"{file}: {error}")
        raise FileUnusable(message, {"code": "file_unusable", "detail": message} if is_json else None) from error
    differences = sum(not case.is_equal for case in cases)
    click.echo(json.dumps(_document(cases, differences)) if is_json else plain(_text(cases, differences)))
    ctx.exit(1 if differences else 0)


def _read(file: Path) -> Iterator[Case]:
    """Raises ValueError, which names the line, and the column where one is at fault."""
    rows = csv.DictReader(StringIO(_decoded(file.read_bytes()), newline=""), strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"line 1: there is no column {', '.join(missing)}. Expected {','.join(COLUMNS)}.")
        row = None
        for row in rows:
            yield _Line(rows.line_num, row).case()
        if row is None:
            raise ValueError("line 2: there are no cases.")
    except csv.Error as error:
        raise ValueError(f"line {rows.reader.line_num}: {error}.") from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: this is not UTF-8 text.") from error


@dataclass(frozen=True)
class _Line:
    """A line of the file; what cannot be read is refused with the line's number and the column's name."""

    number: int
    values: Mapping[str | None, Any]

    def case(self) -> Case:
        if None in self.values:
            raise ValueError(f"line {self.number}: more values than columns. Put a value with a comma in quotes.")
        zone = self._column("time_zone", _zone)
        weekly = self._column("hours", lambda text: Calendar(zone, parse_hours(text)).weekly)
        exceptions = self._column(
            "exceptions", lambda text: Calendar(zone, weekly, exceptions=parse_exceptions(text)).exceptions
        )
        region = self._column("holidays", _region)
        submitted, hours = self._column("submitted", _moment), self._column("goal_hours", _goal_hours)
        expected = self._column("due", _moment)
        try:
            due = _due(zone, weekly, exceptions, region, submitted, timedelta(hours=hours))
        except (ValueError, OverflowError) as error:
            raise ValueError(f"line {self.number}: no due time can be computed: {error}") from error
        name = self._column("case", str)
        return Case(self.number, name, submitted, hours, due, expected.astimezone(due.tzinfo))

    def _column(self, name: str, read: Callable[[str], _Value]) -> _Value:
        text = self.values[name]
        where = f"line {self.number}, column {name}"
        if text is None:
            raise ValueError(f"{where}: the line ends before it.")
        try:
            return read(text.strip())
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{where}: {error}") from error


def _zone(text: str) -> str:
    return Calendar(text, parse_hours("24x7")).time_zone


def _region(text: str) -> str:
    from sigreq.calendars import public_holidays

    if text:
        public_holidays(text, ())
    return text


def _moment(text: str) -> datetime:
    """24:00 ends a day: it is the next day's midnight."""
    is_midnight = re.search("T24:00(?::00)?(?![:.0-9])", text) is not None
    try:
        found = datetime.fromisoformat(text.replace("T24:", "T00:") if is_midnight else text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"{text!r} is not a time with its offset such as 2026-03-02T10:00+01:00.")
    return found + timedelta(days=is_midnight)


def _goal_hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = -1
    if not 0 <= hours <= _MOST_HOURS:
        raise ValueError(f"{text!r} is not a number of hours from 0 to {_MOST_HOURS}.")
    return hours


def _due(
    zone: str,
    weekly: Mapping[int, _Hours],
    exceptions: Mapping[date, _Hours],
    region: str,
    submitted: datetime,
    goal: timedelta,
) -> datetime:
    """Holidays are looked up for as many years as the goal takes."""
    from sigreq.calendars import Holidays, calendar_with, public_holidays

    years = range(submitted.year - 1, submitted.year + 2)
    while True:
        public = public_holidays(region, years) if region else Holidays()
        due = add_working_time(calendar_with(public, zone, weekly, exceptions), submitted, goal)
        if not region or due.year < years.stop:
            return due
        years = range(years.start, due.year + 2)


def _document(cases: list[Case], differences: int) -> dict[str, Any]:
    shown = [
        {
            "line": case.line,
            "case": case.name,
            "submitted": case.submitted.isoformat(),
            "goal_hours": case.goal_hours,
            "due": case.due.isoformat(),
            "expected": case.expected.isoformat(),
            "is_equal": case.is_equal,
        }
        for case in cases
    ]
    return {"cases": shown, "differences": differences}


def _text(cases: list[Case], differences: int) -> str:
    rows = [
        [
            case.line,
            case.name,
            _short(case.submitted),
            f"{case.goal_hours:g}",
            _short(case.due),
            _short(case.expected),
            "" if case.is_equal else "differs",
        ]
        for case in cases
    ]
    shown = table(["LINE", "CASE", "SUBMITTED", "HOURS", "DUE", "EXPECTED", ""], rows)
    return f"{shown}\n\n{len(cases)} due times, {differences or 'none'} of them different from the expected."


def _short(at: datetime) -> str:
    return at.isoformat(" ", "auto" if at.second or at.microsecond else "minutes")
