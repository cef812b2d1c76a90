"""How well the promises were kept: met / (met + missed), by plan, severity and month."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from sigreq.domain.clock import ClockOutcome
from sigreq.domain.submission import Severity


@dataclass(frozen=True)
class Ended:
    """One guaranteed clock: of which case, and how it ended. `used` is working time of the goal's calendar."""

    submission_id: str
    plan: str
    severity: Severity
    began_at: datetime
    due_at: datetime
    ended_at: datetime | None
    outcome: ClockOutcome
    used: timedelta
    reason: str | None = None


@dataclass(frozen=True)
class Line:
    """One cell of the report. `attainment` is None where nothing was promised to anybody."""

    plan: str
    severity: Severity
    month: str
    met: int
    missed: int
    not_counted: int
    running: int
    p50: timedelta | None
    p90: timedelta | None

    @property
    def attainment(self) -> float | None:
        """Share of the answers that came in time."""
        counted = self.met + self.missed
        return self.met / counted if counted else None


def report(clocks: Iterable[Ended]) -> list[Line]:
    """Count by plan, severity and the month (UTC) in which the clock began, in that order."""
    cells: dict[tuple[str, Severity, str], list[Ended]] = defaultdict(list)
    for clock in clocks:
        cells[clock.plan, clock.severity, f"{clock.began_at.astimezone(UTC):%Y-%m}"].append(clock)
    return [_line(cell, found) for cell, found in sorted(cells.items())]


def misses(clocks: Iterable[Ended]) -> list[Ended]:
    """The late answers, latest due first."""
    return sorted((c for c in clocks if c.outcome is ClockOutcome.MISSED), key=lambda c: c.due_at, reverse=True)


def percentile(values: Sequence[timedelta], share: float) -> timedelta | None:
    """The smallest value that at least this share of all values do not exceed (nearest rank)."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else None


def _line(key: tuple[str, Severity, str], found: Sequence[Ended]) -> Line:
    plan, severity, month = key
    count = {outcome: sum(clock.outcome is outcome for clock in found) for outcome in ClockOutcome}
    used = [clock.used for clock in found if clock.outcome in {ClockOutcome.MET, ClockOutcome.MISSED}]
    return Line(
        plan=plan,
        severity=severity,
        month=month,
        met=count[ClockOutcome.MET],
        missed=count[ClockOutcome.MISSED],
        not_counted=count[ClockOutcome.NOT_COUNTED],
        running=count[ClockOutcome.RUNNING],
        p50=percentile(used, 0.5),
        p90=percentile(used, 0.9),
    )
