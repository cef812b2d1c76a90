"""Cases that wait for an answer, by the rule that hit their files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, cast, distinct, func, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from sigreq.domain.lifecycle import State
from sigreq.tables.submissions import Scan, Submission
from sigreq.transaction import Transaction

# What a change would do (`gate`) or did (`proof`) is no reason why somebody wrote to us.
SCREENED = ("claimed", "newest")
TO_ANSWER = (State.QUEUED, State.IN_ANALYSIS)


@dataclass(frozen=True)
class RuleGroup:
    """A rule, how many cases it hit that wait for an analyst or have one, and when the first answer is due."""

    rule: str
    waiting: int
    held: int
    due_at: datetime


async def groups(tx: Transaction, of: Collection[str] | None, limit: int) -> list[RuleGroup]:
    """The rules that hit cases of these analyst groups (None: all), those with the most cases first."""
    fired = func.jsonb_array_elements_text(cast(col(Scan.detections), JSONB)).table_valued("value", name="fired")
    number = func.count(distinct(col(Submission.id)))
    waiting = number.filter(col(Submission.state) == State.QUEUED)
    held = number.filter(col(Submission.state) == State.IN_ANALYSIS)
    statement = (
        select(fired.c.value, waiting, held, func.min(col(Submission.due_at)))
        .select_from(Submission)
        .join(Scan, col(Scan.submission_id) == col(Submission.id))
        .join(fired, true())
        .where(*_to_answer(of), col(Scan.purpose).in_(SCREENED))
        .group_by(fired.c.value)
        .order_by(number.desc(), fired.c.value)
        .limit(limit)
    )
    return [RuleGroup(*row) for row in await tx.session.execute(statement)]


async def cases(tx: Transaction, of: Collection[str] | None, rule: str, limit: int) -> Sequence[Submission]:
    """The cases that one rule hit, those due first first."""
    hit = select(col(Scan.submission_id)).where(
        cast(col(Scan.detections), JSONB).has_key(rule), col(Scan.purpose).in_(SCREENED)
    )
    statement = select(Submission).where(*_to_answer(of), col(Submission.id).in_(hit))
    statement = statement.order_by(col(Submission.due_at), col(Submission.id)).limit(limit)
    return (await tx.session.scalars(statement)).all()


def _to_answer(of: Collection[str] | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(Submission.state).in_(TO_ANSWER)]
    if of is not None:
        conditions.append(col(Submission.group_id).in_(of))
    return conditions
