"""Warnings that an answer is getting late."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select, update
from sqlmodel import col

from sigreq.domain.clock import Clock
from sigreq.tables.people import AnalystGroup
from sigreq.tables.submissions import DeadlineWarning, Submission
from sigreq.transaction import Transaction


async def add(tx: Transaction, submission_id: str, clock: Clock, percent: int) -> str:
    """Write one warning; its identifier, under which it is told however often."""
    row = DeadlineWarning(
        id=f"WN-{uuid4().hex}",
        submission_id=submission_id,
        clock=clock.number,
        percent=percent,
        due_at=clock.due_at,
        at=tx.at,
    )
    tx.session.add(row)
    await tx.session.flush()
    return row.id


async def plan_next(tx: Transaction, submission_id: str, at: datetime | None) -> None:
    """When to look at this submission again. A cached time, not a move: nobody's revision becomes stale by it."""
    statement = update(Submission).where(col(Submission.id) == submission_id).values(next_warning_at=at)
    await tx.session.execute(statement)


async def get(tx: Transaction, warning_id: str) -> tuple[DeadlineWarning, Submission, AnalystGroup]:
    """A warning that is known to exist, what it is about, and who has to hear it."""
    statement = (
        select(DeadlineWarning, Submission, AnalystGroup)
        .join(Submission, col(Submission.id) == col(DeadlineWarning.submission_id))
        .join(AnalystGroup, col(AnalystGroup.id) == col(Submission.group_id))
        .where(col(DeadlineWarning.id) == warning_id)
    )
    return (await tx.session.execute(statement)).one()


async def of(tx: Transaction, submission_id: str) -> list[DeadlineWarning]:
    """All warnings about a submission, oldest first."""
    statement = select(DeadlineWarning).where(col(DeadlineWarning.submission_id) == submission_id)
    return list(await tx.session.scalars(statement.order_by(col(DeadlineWarning.at), col(DeadlineWarning.percent))))
