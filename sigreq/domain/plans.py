"""What a service plan promises."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sigreq.domain.submission import Severity, Track
from sigreq.domain.worktime import Calendar, add_working_time

WARN_SHARE = 0.75  # of the goal; the queue puts a guaranteed answer first from here on


@dataclass(frozen=True)
class Goal:
    """Time to a qualified answer, counted in one calendar. Not guaranteed: an internal target, never promised."""

    amount: timedelta
    calendar: str
    is_guaranteed: bool


@dataclass(frozen=True)
class Plan:
    """One row of the service contract.

    `premium_incidents` counts a contract year (None: unlimited), and `costs_premium` says whether a request is one.
    With `needs_phone` a call to `phone_number` is required too outside the hours of the calendar `office`. `group`
    names the analysts whose cases these are.
    """

    id: str
    track: Track
    goals: Mapping[Severity, Goal]
    title: str = ""
    premium_incidents: int | None = 0
    costs_premium: bool = True
    needs_phone: bool = False
    office: str = "office"
    group: str = ""
    phone_number: str | None = None


@dataclass(frozen=True)
class Promise:
    """When an answer is due, and from when on it is urgent (None: nothing was promised)."""

    due_at: datetime
    warn_at: datetime | None
    is_guaranteed: bool


def promise(plan: Plan, severity: Severity, calendars: Mapping[str, Calendar], since: datetime) -> Promise:
    """Start the answer clock at `since`."""
    goal = plan.goals[severity]
    calendar = calendars[goal.calendar]
    due = add_working_time(calendar, since, goal.amount)
    warn = add_working_time(calendar, since, goal.amount * WARN_SHARE) if goal.is_guaranteed else None
    return Promise(due, warn, goal.is_guaranteed)
