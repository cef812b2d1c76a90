"""The answer clock: the time to a qualified answer, replayed from what happened.

It depends on the events, the terms of the submission, the calendars and now, and on nothing else, so it can be counted
again at any time. Nothing pauses it. It gives all times in UTC, where alone they can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from sigreq.domain.lifecycle import Event
from sigreq.domain.plans import Goal
from sigreq.domain.submission import Severity
from sigreq.domain.worktime import Calendar, add_working_time, next_opening, working_time_between

WARNING_PERCENTS = (50, 75, 90, 100)

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Terms:
    """What a submission was promised: its plan's goals, and the revision of each calendar in force when it came."""

    goals: Mapping[Severity, Goal]
    office: str
    needs_phone: bool
    calendars: Mapping[str, int]

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        goals = {
            str(severity.value): {
                "minutes": goal.amount / _MINUTE,
                "calendar": goal.calendar,
                "is_guaranteed": goal.is_guaranteed,
            }
            for severity, goal in self.goals.items()
        }
        calendars = dict(self.calendars)
        return {"goals": goals, "office": self.office, "needs_phone": self.needs_phone, "calendars": calendars}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` gave."""
        goals = {
            Severity(int(severity)): Goal(goal["minutes"] * _MINUTE, goal["calendar"], goal["is_guaranteed"])
            for severity, goal in document["goals"].items()
        }
        return cls(goals, document["office"], document["needs_phone"], document["calendars"])


@dataclass(frozen=True)
class Happening:
    """What the clock looks at in one event; for a phone call, `at` is when it was made.

    Raises ValueError when something is missing that this event needs.
    """

    event: Event
    at: datetime
    severity: Severity | None = None
    is_qualified: bool = False
    calendar: str | None = None
    revision: int | None = None

    def __post_init__(self) -> None:
        """Refuse what would otherwise be passed over in silence."""
        if self.at.utcoffset() is None:
            raise ValueError(f"{self.at.isoformat()} has no offset from UTC.")
        if self.event in {Event.RECEIVED, Event.SEVERITY_CHANGED} and self.severity is None:
            raise ValueError(f"{self.event} needs a severity.")
        if self.event is Event.CALENDAR_CHANGED and (self.calendar is None or self.revision is None):
            raise ValueError(f"{self.event} needs a calendar and its revision.")


class ClockOutcome(StrEnum):
    """How a clock ended, if it did. Met and missed are decided at its end, not at the due time."""

    RUNNING = "running"
    MET = "met"
    MISSED = "missed"
    NOT_COUNTED = "not_counted"


@dataclass(frozen=True)
class Clock:
    """One wait for a qualified answer.

    `severity` and `goal` are those of now, or of its end. Counting begins at `starts_at`, and `used` is the time since
    then as the goal counts it. After the severity was raised, an earlier goal may be what decides `due_at`; the
    warnings (percent, moment) always belong to the goal that does.
    """

    number: int
    began_at: datetime
    starts_at: datetime
    severity: Severity
    goal: Goal
    due_at: datetime
    warnings: tuple[tuple[int, datetime], ...]
    outcome: ClockOutcome
    ended_at: datetime | None
    used: timedelta
    is_phone_call_needed: bool

    def is_overdue(self, now: datetime) -> bool:
        """Whether the answer is late and still outstanding. At the very due time it is not late."""
        return self.outcome is ClockOutcome.RUNNING and self.due_at < now


def replay(
    happenings: Sequence[Happening], terms: Terms, calendars: Mapping[tuple[str, int], Calendar], now: datetime
) -> tuple[Clock, ...]:
    """Every clock of a submission, oldest first, from its events in their order; only the last can be running.

    Outside office hours a goal that counts round the clock starts to count at the first phone call or the next
    opening, where the terms need a call. A call made before the clock began counts from its beginning. A raised
    severity makes the answer due no later; a lowered one as if it had been so from the beginning. A new revision of a
    calendar counts the running clock anew from the same start. "Still happens" and a dispute begin a new clock; one
    that still ran has been missed if it was due, and is not counted otherwise.

    Raises KeyError for a calendar revision, or the goal of a severity, that was not handed in, and ValueError when the
    first thing that happened is not that the submission was received.
    """
    if happenings and happenings[0].event is not Event.RECEIVED:
        raise ValueError(f"A submission begins with {Event.RECEIVED}, not with {happenings[0].event}.")
    replayed = _Replay(terms, calendars)
    for happening in happenings:
        replayed.take(happening)
    return replayed.clocks(now.astimezone(UTC))


@dataclass(frozen=True)
class _Count:
    """A goal set at `since` that counts from `start`. A phone call can make it start earlier, not before `since`."""

    since: datetime
    start: datetime
    goal: Goal

    def after_call(self, at: datetime) -> Self:
        return replace(self, start=min(self.start, max(at, self.since)))


@dataclass(frozen=True)
class _Running:
    """The clock that runs: what the severity of now counts since it began, and all that may decide the due time.

    `opening` is set when it began outside office hours and a call is needed; a goal round the clock waits until
    `earliest`.
    """

    began_at: datetime
    opening: datetime | None
    earliest: datetime
    is_called: bool
    own: _Count
    counts: tuple[_Count, ...]

    def after_call(self, at: datetime) -> Self:
        return replace(
            self,
            earliest=min(self.earliest, max(at, self.began_at)),
            is_called=True,
            own=self.own.after_call(at),
            counts=tuple(count.after_call(at) for count in self.counts),
        )


class _Replay:
    """The state after the happenings taken so far."""

    def __init__(self, terms: Terms, calendars: Mapping[tuple[str, int], Calendar]) -> None:
        self._terms = terms
        self._calendars = calendars
        self._revisions = dict(terms.calendars)
        self._severity: Severity  # set by the first happening
        self._running: _Running | None = None
        self._ended: list[Clock] = []

    def clocks(self, now: datetime) -> tuple[Clock, ...]:
        running = () if self._running is None else (self._clock(self._running, ClockOutcome.RUNNING, now),)
        return (*self._ended, *running)

    def take(self, happening: Happening) -> None:
        at = happening.at.astimezone(UTC)
        match happening:
            case Happening(event=Event.RECEIVED, severity=Severity() as severity):
                self._severity = severity
                self._begin(at)
            case Happening(event=Event.STILL_HAPPENS | Event.DISPUTED | Event.REGRESSED):
                self._end(at, ClockOutcome.NOT_COUNTED, ClockOutcome.MISSED)
                self._begin(at)
            case Happening(event=Event.ANSWERED | Event.ASKED | Event.DETERMINED, is_qualified=True):
                self._end(at, ClockOutcome.MET, ClockOutcome.MISSED)
            case Happening(event=Event.ANSWERED_AUTOMATICALLY | Event.WITHDRAWN):
                self._end(at, ClockOutcome.NOT_COUNTED, ClockOutcome.NOT_COUNTED)
            case Happening(event=Event.PHONE_CALLED) if self._running is not None:
                self._running = self._running.after_call(at)
            case Happening(event=Event.SEVERITY_CHANGED, severity=Severity() as severity):
                self._change_severity(severity, at)
            case Happening(event=Event.CALENDAR_CHANGED, calendar=str(name), revision=int(revision)):
                self._revisions[name] = revision

    def _begin(self, at: datetime) -> None:
        opens = next_opening(self._calendar(self._terms.office), at).astimezone(UTC)
        opening = opens if self._terms.needs_phone and at < opens else None
        earliest = opening or at
        own = self._count(at, earliest)
        self._running = _Running(at, opening, earliest, is_called=False, own=own, counts=(own,))

    def _change_severity(self, severity: Severity, at: datetime) -> None:
        before, self._severity = self._severity, severity
        running = self._running
        if running is None or severity == before:
            return
        own = self._count(running.began_at, running.earliest)
        is_raised = severity < before
        counts = (*running.counts, self._count(at, running.earliest)) if is_raised else (own,)
        self._running = replace(running, own=own, counts=counts)

    def _count(self, since: datetime, earliest: datetime) -> _Count:
        """Count the goal of the severity of now."""
        goal = self._terms.goals[self._severity]
        waits = self._calendar(goal.calendar).is_always_open
        return _Count(since, max(since, earliest) if waits else since, goal)

    def _end(self, at: datetime, in_time: ClockOutcome, late: ClockOutcome) -> None:
        if self._running is not None:
            clock = self._clock(self._running, in_time, at)
            self._ended.append(clock if at <= clock.due_at else replace(clock, outcome=late))
            self._running = None

    def _clock(self, running: _Running, outcome: ClockOutcome, until: datetime) -> Clock:
        is_running = outcome is ClockOutcome.RUNNING
        due_at, deciding = min(((self._reached(count, 100), count) for count in running.counts), key=lambda due: due[0])
        own = running.own
        used = working_time_between(self._calendar(own.goal.calendar), own.start, max(until, own.start))
        waits_for_call = running.opening is not None and not running.is_called and until < running.opening
        return Clock(
            number=len(self._ended) + 1,
            began_at=running.began_at,
            starts_at=own.start,
            severity=self._severity,
            goal=own.goal,
            due_at=due_at,
            warnings=tuple((percent, self._reached(deciding, percent)) for percent in WARNING_PERCENTS),
            outcome=outcome,
            ended_at=None if is_running else until,
            used=used,
            is_phone_call_needed=is_running and waits_for_call,
        )

    def _reached(self, count: _Count, percent: int) -> datetime:
        """When this share of the goal is used up."""
        calendar = self._calendar(count.goal.calendar)
        return add_working_time(calendar, count.start, count.goal.amount * percent / 100).astimezone(UTC)

    def _calendar(self, name: str) -> Calendar:
        return self._calendars[name, self._revisions[name]]
