"""The answer clock of a submission: replayed from its events, with the few values that have to be sortable kept."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.clock import Clock, ClockOutcome, Happening, Terms, replay
from sigreq.domain.lifecycle import Event
from sigreq.domain.plans import Plan
from sigreq.domain.submission import Severity
from sigreq.domain.worktime import Calendar, next_opening
from sigreq.store import calendars
from sigreq.tables.events import Event as EventRow
from sigreq.tables.submissions import DeadlineWarning, Submission
from sigreq.transaction import Transaction

URGENT_PERCENT = 75  # from this warning on a guaranteed answer goes before all else
TELLING = frozenset(
    {
        Event.RECEIVED,
        Event.PHONE_CALLED,
        Event.SEVERITY_CHANGED,
        Event.CALENDAR_CHANGED,
        Event.ASKED,
        Event.ANSWERED,
        Event.DETERMINED,
        Event.ANSWERED_AUTOMATICALLY,
        Event.WITHDRAWN,
        Event.STILL_HAPPENS,
        Event.DISPUTED,
        Event.REGRESSED,
    }
)


async def terms_of(tx: Transaction, plan: Plan) -> Terms:
    """What a submission of this plan is promised from now on, whatever becomes of the plan or the contract."""
    names = {goal.calendar for goal in plan.goals.values()} | {plan.office}
    return Terms(plan.goals, plan.office, plan.needs_phone, await calendars.current(tx, names))


async def clocks(tx: Transaction, submission: Submission, *more: Happening) -> tuple[Clock, ...]:
    """The submission's clocks as they stand now; `more` is what is about to be written."""
    statement = (
        select(EventRow)
        .where(col(EventRow.subject_id) == submission.id, col(EventRow.name).in_(sorted(TELLING)))
        .order_by(col(EventRow.sequence))
    )
    told = [happening(row) for row in await tx.session.scalars(statement)]
    revisions = await calendars.all_revisions(tx)
    return replay([*told, *more], Terms.from_document(submission.terms), revisions, tx.at)


def first(severity: Severity, terms: Terms, revisions: Mapping[tuple[str, int], Calendar], at: datetime) -> Clock:
    """The clock of a submission that is just being received."""
    return replay([Happening(Event.RECEIVED, at, severity)], terms, revisions, at)[-1]


def kept(clock: Clock, written: Collection[int] = ()) -> dict[str, Any]:
    """What the submission's row keeps of its clock, so that the queue and the warnings can be found by index.

    `written` are the warnings, in percent, that this clock has already caused.
    """
    is_running = clock.outcome is ClockOutcome.RUNNING
    is_watched = clock.goal.is_guaranteed and is_running
    coming = [at for percent, at in clock.warnings if percent not in written]
    return {
        "due_at": clock.due_at,
        "warn_at": dict(clock.warnings)[URGENT_PERCENT] if is_watched else None,
        "next_warning_at": min(coming, default=None) if is_watched else None,
        "is_guaranteed": clock.goal.is_guaranteed,
        "calendar": clock.goal.calendar,
        "answered_at": clock.ended_at if clock.outcome in {ClockOutcome.MET, ClockOutcome.MISSED} else None,
    }


async def call_needed_until(tx: Transaction, clock: Clock, terms: Terms) -> datetime | None:
    """Until when the customer still has to call us too; None when they need not."""
    if not clock.is_phone_call_needed:
        return None
    revisions = await calendars.all_revisions(tx)
    return next_opening(revisions[terms.office, terms.calendars[terms.office]], clock.began_at)


async def values_after(tx: Transaction, submission: Submission, coming: Happening) -> dict[str, Any]:
    """What to keep once `coming` is written: for the same UPDATE that writes it."""
    clock = (await clocks(tx, submission, coming))[-1]
    return kept(clock, await warnings_written(tx, submission.id, clock.number))


async def warnings_written(tx: Transaction, submission_id: str, number: int) -> set[int]:
    """The warnings, in percent, that a clock has caused so far."""
    statement = select(col(DeadlineWarning.percent)).where(
        col(DeadlineWarning.submission_id) == submission_id, col(DeadlineWarning.clock) == number
    )
    return set(await tx.session.scalars(statement))


def happening(row: EventRow) -> Happening:
    """What an event means to the clock."""
    data = row.data
    severity = data.get("to", data.get("severity"))
    return Happening(
        event=Event(row.name),
        at=datetime.fromisoformat(data["called_at"]) if row.name == Event.PHONE_CALLED else row.at,
        severity=Severity(severity) if severity is not None else None,
        is_qualified=bool(data.get("is_qualified")),
        calendar=data.get("calendar"),
        revision=data.get("revision"),
    )
