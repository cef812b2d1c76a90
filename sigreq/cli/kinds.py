"""What can be written on the command line: files, spans and moments, goals, years."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click

from sigreq.domain.submission import Track
from sigreq.domain.targets import Target, in_order

LANGUAGES = ["en", "ru"]
FILE = click.Path(dir_okay=False, path_type=Path)
FILE_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
FOLDER_THERE = click.Path(exists=True, file_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Span(click.ParamType[timedelta]):
    """A length of time such as 90s, 30m, 6h or 2d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        found = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
        if found is None:
            self.fail(f"{value!r} is not a length of time such as 90s, 30m, 6h or 2d.", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Targets(click.ParamType[list[str]]):
    """Engines, as in yara,clamav."""

    name = "targets"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Read them."""
        said = value.split(",") if isinstance(value, str) else value
        unknown = [each for each in said if each not in set(Target)]
        if unknown:
            self.fail(f"{unknown[0]!r} is no engine: name one or several of {','.join(Target)}.", param, ctx)
        return [str(each) for each in in_order(said)]


class Moment(click.ParamType[datetime]):
    """A time with its offset from UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; without an offset it could mean two different times."""
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            self.fail(f"{value!r} is not a time with its offset such as 2026-11-21T10:32:00Z.", param, ctx)
        return found


class Goal(NamedTuple):
    """The time to a qualified answer at one severity, as the API takes it."""

    severity: str
    fields: dict[str, Any]


class GoalType(click.ParamType[Goal]):
    """A goal such as 1=2h:always:guaranteed or 3=90m:office:target."""

    name = "goal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Goal:
        """Read it."""
        found = re.fullmatch(r"([1-4])=([0-9]{1,6})([smh]):([a-z0-9_-]+):(guaranteed|target)", value)
        if found is None:
            text = f"{value!r} is not a goal such as 1=2h:always:guaranteed or 3=90m:office:target"
            self.fail(f"{text}: SEVERITY=TIME:CALENDAR:KIND, the time in s, m or h.", param, ctx)
        severity, number, unit, calendar, kind = found.groups()
        minutes = int(number) * {"s": 1 / 60, "m": 1, "h": 60}[unit]
        return Goal(severity, {"minutes": minutes, "calendar": calendar, "is_guaranteed": kind == "guaranteed"})


class Years(click.ParamType[list[int]]):
    """Years such as 2026 or 2026-2028."""

    name = "years"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Read them."""
        found = re.fullmatch(r"([0-9]{4})(?:-([0-9]{4}))?", value)
        years = list(range(int(found[1]), int(found[2] or found[1]) + 1)) if found else []
        if not years:
            self.fail(f"{value!r} is not a year or years such as 2026 or 2026-2028.", param, ctx)
        return years


class Incidents(click.ParamType[int | None]):
    """How many, or `unlimited`."""

    name = "N|unlimited"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """None is unlimited."""
        if value == "unlimited":
            return None
        if not re.fullmatch(r"[0-9]{1,6}", value):
            self.fail(f"{value!r} is neither a number nor `unlimited`.", param, ctx)
        return int(value)


class Thresholds(click.ParamType[dict[Track, int]]):
    """How many signatures each track needs, such as expedited=1,standard=2."""

    name = "thresholds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[Track, int]:
        """Read it; every track must have a number."""
        found = dict(re.findall(r"(?:^|,)([a-z]+)=([1-9])(?=,|$)", value))
        if set(found) != {track.value for track in Track} or value.count("=") != len(found):
            self.fail(f"{value!r} does not say, as expedited=1,standard=2 does, what each track needs.", param, ctx)
        return {Track(name): int(count) for name, count in found.items()}
