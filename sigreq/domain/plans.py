"""What a service plan promises."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sigreq.domain.submission import Severity, Track


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
