"""What reports are made of: every guaranteed clock of a span of time, traceable to its case."""

from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.attainment import Ended
from sigreq.domain.clock import Clock, Terms, replay
from sigreq.store import calendars
from sigreq.store.clocks import TELLING, happening
from sigreq.tables.events import Event
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

BATCH = 500


async def guaranteed_clocks(tx: Transaction, since: datetime, until: datetime) -> list[Ended]:
    """The guaranteed clocks that began in this span, replayed from the events, by submission."""
    statement = (
        select(Submission, Event)
        .join(Event, col(Event.subject_id) == col(Submission.id))
        .where(col(Submission.received_at) < until, col(Event.name).in_(sorted(TELLING)))
        .order_by(col(Submission.id), col(Event.sequence))
        .execution_options(yield_per=BATCH)
    )
    revisions = await calendars.all_revisions(tx)
    rows = [(row, event) async for row, event in (await tx.session.stream(statement)).tuples()]
    found = []
    for submission, told in groupby(rows, key=lambda pair: pair[0]):
        happenings = [happening(event) for _, event in told]
        for clock in replay(happenings, Terms.from_document(submission.terms), revisions, tx.at):
            if clock.goal.is_guaranteed and since <= clock.began_at < until:
                found.append(_ended(submission, clock))
    return found


def _ended(submission: Submission, clock: Clock) -> Ended:
    return Ended(
        submission_id=submission.id,
        plan=submission.plan_id,
        severity=clock.severity,
        began_at=clock.began_at,
        due_at=clock.due_at,
        ended_at=clock.ended_at,
        outcome=clock.outcome,
        used=clock.used,
    )
