"""What reports are made of: every guaranteed clock of a span of time, traceable to its case."""

from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.attainment import Ended
from sigreq.domain.clock import Clock, ClockOutcome, Terms, replay
from sigreq.domain.lifecycle import Event
from sigreq.store import calendars
from sigreq.store.clocks import TELLING, happening
from sigreq.tables.events import Event as EventRow
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

BATCH = 500


async def guaranteed_clocks(tx: Transaction, since: datetime, until: datetime) -> list[Ended]:
    """The guaranteed clocks that began in this span, replayed from the events, by submission."""
    needed = sorted([*TELLING, Event.MISS_EXPLAINED])
    statement = (
        select(Submission, EventRow)
        .join(EventRow, col(EventRow.subject_id) == col(Submission.id))
        .where(col(Submission.received_at) < until, col(EventRow.name).in_(needed))
        .order_by(col(Submission.id), col(EventRow.sequence))
        .execution_options(yield_per=BATCH)
    )
    revisions = await calendars.all_revisions(tx)
    rows = [(row, event) async for row, event in (await tx.session.stream(statement))]
    found: list[Ended] = []
    for submission, pairs in groupby(rows, key=lambda pair: pair[0]):
        told = [event for _, event in pairs]
        happenings = [happening(event) for event in told if event.name in TELLING]
        reason = next((e.data["reason"] for e in reversed(told) if e.name == Event.MISS_EXPLAINED), None)
        replayed = replay(happenings, Terms.from_document(submission.terms), revisions, tx.at)
        found += [
            _ended(submission, clock, reason, tx.at)
            for clock in replayed
            if clock.goal.is_guaranteed and since <= clock.began_at < until
        ]
    return found


def _ended(submission: Submission, clock: Clock, reason: str | None, now: datetime) -> Ended:
    """An answer that is still owed after its due time is missed already."""
    return Ended(
        submission_id=submission.id,
        plan=submission.plan_id,
        severity=clock.severity,
        began_at=clock.began_at,
        due_at=clock.due_at,
        ended_at=clock.ended_at,
        outcome=ClockOutcome.MISSED if clock.is_overdue(now) else clock.outcome,
        used=clock.used,
        reason=reason,
    )
