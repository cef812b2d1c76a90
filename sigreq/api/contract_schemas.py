"""What may be sent about contracts, plans, calendars, groups and phone calls."""

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from sigreq.api.schemas import Email, Line, Name, Slug, Strict, SubmissionIn, Text
from sigreq.domain.submission import Severity, Track


class ContractIn(Strict):
    """A contract; without an end it goes on until one is set."""

    organisation: Slug
    plan: Name
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None


class ContractEndIn(Strict):
    """When a contract ends."""

    ends_at: AwareDatetime


class GoalIn(Strict):
    """Time to a qualified answer, counted in a calendar. Not guaranteed: an internal target, never promised."""

    minutes: Annotated[float, Field(gt=0, le=60 * 24 * 366)]
    calendar: Name
    is_guaranteed: bool


class PlanIn(Strict):
    """A plan. `premium_incidents` is per contract year; null is unlimited."""

    title: Line
    track: Track
    goals: dict[Severity, GoalIn]
    premium_incidents: Annotated[int, Field(ge=0, le=1_000_000)] | None = 0
    costs_premium: bool = True
    needs_phone: bool = False
    phone_number: Line | None = None
    office: Name = "office"
    group: Name = "analysts"

    @model_validator(mode="after")
    def _has_every_goal(self) -> Self:
        if set(self.goals) != set(Severity):
            raise ValueError("goals are needed for each severity, 1 to 4")
        return self


class CalendarIn(Strict):
    """Hours as in `Mon-Fri 09:00-13:00 14:00-18:00` or `24x7`; holidays of a region are copied in for these years."""

    time_zone: Line
    hours: Line
    region: Line | None = None
    years: Annotated[list[Annotated[int, Field(ge=2000, le=2100)]], Field(max_length=20)] = Field(default_factory=list)
    holidays: list[Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]] = Field(default_factory=list)
    exceptions: Annotated[str, Field(max_length=5000)] = ""


class GroupIn(Strict):
    """A group of analysts, and where its on-call is warned."""

    title: Line
    on_call_email: Email | None = None
    on_call_url: Annotated[str, Field(pattern="^https?://")] | None = None


class CallIn(Strict):
    """A phone call of the customer; without a time it was made just now."""

    called_at: AwareDatetime | None = None
    note: Text | None = None


class PhoneRequestIn(Strict):
    """A request made by phone, just now or at a time: what was said, and how long the link for the file is good."""

    organisation: Slug
    submission: SubmissionIn
    called_at: AwareDatetime | None = None
    valid_hours: Annotated[int, Field(ge=1, le=168)] = 24
