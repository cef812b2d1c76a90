"""Figures for managers, each traceable to its cases."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from sigreq.domain.attainment import Ended, Line, misses, report
from sigreq.domain.people import Actor, Permission, require
from sigreq.store import reports
from sigreq.transaction import Transaction

COLUMNS = (
    "plan",
    "severity",
    "month",
    "met",
    "missed",
    "attainment",
    "not_counted",
    "running",
    "p50_hours",
    "p90_hours",
)


@get("/v1/reports/attainment", summary="How well the promised answer times were kept")
async def attainment(
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    as_format: Annotated[Literal["json", "csv"], QueryParameter(name="format")] = "json",
) -> Response[Any]:
    """Met / (met + missed) by plan, severity and the month the clock began (UTC), with p50 and p90 of the used time.

    From `since` to before `until`, days in UTC; by default everything. JSON also lists each miss; `format=csv` has
    the lines alone.
    """
    require(actor, Permission.SEE_REPORTS)
    first = since or date(2000, 1, 1)
    last = until or tx.at.date() + timedelta(days=1)
    found = await reports.guaranteed_clocks(tx, _midnight(first), _midnight(last))
    lines = [_line(line) for line in report(found)]
    if as_format == "csv":
        return Response(_csv(lines), media_type="text/csv")
    return Response({"since": first, "until": last, "lines": lines, "misses": [_miss(each) for each in misses(found)]})


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _line(line: Line) -> dict[str, Any]:
    return {
        "plan": line.plan,
        "severity": int(line.severity),
        "month": line.month,
        "met": line.met,
        "missed": line.missed,
        "attainment": line.attainment,
        "not_counted": line.not_counted,
        "running": line.running,
        "p50_hours": _hours(line.p50),
        "p90_hours": _hours(line.p90),
    }


def _miss(clock: Ended) -> dict[str, Any]:
    late = (clock.ended_at - clock.due_at) if clock.ended_at else None
    return {
        "submission_id": clock.submission_id,
        "plan": clock.plan,
        "severity": int(clock.severity),
        "due_at": clock.due_at,
        "answered_at": clock.ended_at,
        "hours_late": _hours(late),
        "reason": clock.reason,
    }


def _hours(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 3600, 3)


def _csv(lines: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


ROUTES = [attainment]
