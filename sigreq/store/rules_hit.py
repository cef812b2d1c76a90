"""Cases that wait for an answer, by the rule that hit their files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain.lifecycle import State
from sigreq.tables.submissions import RuleHit, Submission
from sigreq.transaction import Transaction

# What a change would do (`gate`) or did (`proof`) is no reason why somebody wrote to us.
SCREENED = ("claimed", "newest")
TO_ANSWER = (State.QUEUED, State.IN_ANALYSIS)


async def keep(tx: Transaction, submission_id: str, purpose: str, rules: Collection[str]) -> None:
    """Remember what hit a case when it was screened, in the transaction that keeps the scans which show it."""
    rows = [{"submission_id": submission_id, "rule": each} for each in sorted(set(rules))]
    if rows and purpose in SCREENED:
        await tx.session.execute(insert(RuleHit).on_conflict_do_nothing(), rows)


@dataclass(frozen=True)
class RuleGroup:
    """A rule, how many cases it hit that wait for an analyst or have one, and when the first answer is due."""

    rule: str
    waiting: int
    held: int
    due_at: datetime


async def groups(tx: Transaction, of: Collection[str] | None, limit: int) -> list[RuleGroup]:
    """The rules that hit cases of these analyst groups (None: all), those with the most cases first."""
    waiting = func.count().filter(col(Submission.state) == State.QUEUED)
    held = func.count().filter(col(Submission.state) == State.IN_ANALYSIS)
    statement = (
        select(col(RuleHit.rule), waiting, held, func.min(col(Submission.due_at)))
        .join(Submission, col(Submission.id) == col(RuleHit.submission_id))
        .where(*_to_answer(of))
        .group_by(col(RuleHit.rule))
        .order_by(func.count().desc(), col(RuleHit.rule))
        .limit(limit)
    )
    return [RuleGroup(*row) for row in await tx.session.execute(statement)]


async def cases(tx: Transaction, of: Collection[str] | None, rule: str, limit: int) -> Sequence[Submission]:
    """The cases that one rule hit, those due first first."""
    statement = (
        select(Submission)
        .join(RuleHit, col(RuleHit.submission_id) == col(Submission.id))
        .where(*_to_answer(of), col(RuleHit.rule) == rule)
        .order_by(col(Submission.due_at), col(Submission.id))
        .limit(limit)
    )
    return (await tx.session.scalars(statement)).all()


def _to_answer(of: Collection[str] | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(Submission.state).in_(TO_ANSWER)]
    if of is not None:
        conditions.append(col(Submission.group_id).in_(of))
    return conditions
