"""Concluded cases that one change could help together."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, or_, select
from sqlmodel import col

from sigreq.domain.lifecycle import ChangeState, Event, State
from sigreq.tables.events import Event as EventRow
from sigreq.tables.releases import Change, ChangeSubmission
from sigreq.tables.submissions import RuleHit, Submission, SubmissionFile
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Sibling:
    """Another case; `is_alike`: the same person concluded both with the same words, as one answer for many does."""

    submission: Submission
    is_alike: bool


async def by_rule(tx: Transaction, of: Submission, limit: int) -> list[Sibling]:
    """Those that wait for a change as this one does, and were hit by a rule that hit it or name its detection."""
    own = select(col(RuleHit.rule)).where(col(RuleHit.submission_id) == of.id)
    same_rule = exists().where(col(RuleHit.submission_id) == col(Submission.id), col(RuleHit.rule).in_(own))
    same_name = col(Submission.detection_name) == of.detection_name
    return await _found(tx, of, or_(same_rule, same_name), limit)


async def by_content(tx: Transaction, of: Submission, limit: int) -> list[Sibling]:
    """Those that wait for a change as this one does, and came with one of its files."""
    own = select(col(SubmissionFile.sha256)).where(
        col(SubmissionFile.submission_id) == of.id, col(SubmissionFile.parent).is_(None)
    )
    same = exists().where(
        col(SubmissionFile.submission_id) == col(Submission.id),
        col(SubmissionFile.parent).is_(None),
        col(SubmissionFile.sha256).in_(own),
    )
    return await _found(tx, of, same, limit)


async def _found(tx: Transaction, of: Submission, likeness: ColumnElement[bool], limit: int) -> list[Sibling]:
    helping = select(ChangeSubmission).join(Change, col(Change.id) == col(ChangeSubmission.change_id))
    is_helped = helping.where(
        col(ChangeSubmission.submission_id) == col(Submission.id), col(Change.state) != ChangeState.WITHDRAWN
    ).exists()
    statement = select(Submission).where(
        col(Submission.product_id) == of.product_id,
        col(Submission.kind) == of.kind,
        col(Submission.state) == State.DETERMINED,
        col(Submission.determination) == of.determination,
        col(Submission.id) != of.id,
        ~is_helped,
        likeness,
    )
    statement = statement.order_by(col(Submission.determined_at).desc(), col(Submission.id)).limit(limit)
    rows = (await tx.session.scalars(statement)).all()
    said = await _said(tx, [of.id, *(row.id for row in rows)])
    return [Sibling(row, said.get(row.id) == said.get(of.id)) for row in rows]


async def _said(tx: Transaction, submission_ids: Sequence[str]) -> dict[str, tuple[str | None, str]]:
    """Who concluded each of them last, and with which words."""
    statement = (
        select(col(EventRow.subject_id), col(EventRow.actor_id), col(EventRow.data)["message"].astext)
        .where(col(EventRow.subject_id).in_(submission_ids), col(EventRow.name) == Event.DETERMINED)
        .order_by(col(EventRow.sequence))
    )
    return {row[0]: (row[1], row[2]) for row in await tx.session.execute(statement)}
