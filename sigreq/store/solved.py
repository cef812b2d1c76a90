"""Solved cases: what a database must go on doing, numbered in the order in which they were solved."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, cast, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlmodel import col

from sigreq.domain.lifecycle import State
from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Determination, Verdict
from sigreq.store import locks
from sigreq.store.locks import Lock
from sigreq.tables.releases import Product
from sigreq.tables.submissions import Scan, Submission, SubmissionFile
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Lost:
    """What a candidate takes away: signatures by name, and files by SHA-256 that it allows."""

    signatures: frozenset[str]
    allowed: frozenset[str]


async def next_number(tx: Transaction, product_id: str) -> int:
    """The number of a case that is being solved. Numbers become visible in their order: the lock is held until then.

    None is given twice, whatever becomes of the case. To be called after the case's row is locked, and right before
    it is written.
    """
    await locks.hold(tx, Lock.SOLVED)
    number = col(Product.newest_solved)
    statement = update(Product).where(col(Product.id) == product_id).values(newest_solved=number + 1).returning(number)
    return (await tx.session.execute(statement)).scalar_one()


async def newest(tx: Transaction, product_id: str) -> int:
    """The number that was given last for a product, 0 before the first. It never falls, also when the case reopens."""
    return await tx.session.scalar(select(col(Product.newest_solved)).where(col(Product.id) == product_id)) or 0


async def must_stay_clean(tx: Transaction, product_id: str, after: int, upto: int) -> Sequence[str]:
    """The cases whose files must not be detected: false positives that were fixed, and files found harmless.

    Those with a number above `after` and not above `upto`.
    """
    return await _ids(tx, product_id, after, upto, _IS_CLEAN)


async def must_stay_detected(
    tx: Transaction, product_id: str, after: int, upto: int, lost: Lost | None
) -> Sequence[str]:
    """The cases whose files must stay detected, or those of them that what is lost may concern."""
    if lost is None:
        return await _ids(tx, product_id, after, upto, _IS_DETECTED)
    own_file = col(SubmissionFile.submission_id) == col(Submission.id)
    concerned: list[ColumnElement[bool]] = []
    if lost.signatures:
        by_name = cast(col(Scan.detections), JSONB).has_any(array(sorted(lost.signatures)))
        concerned.append(select(Scan).where(col(Scan.submission_id) == col(Submission.id), by_name).exists())
    if lost.allowed:
        is_allowed = col(SubmissionFile.sha256).in_(lost.allowed)
        concerned.append(select(SubmissionFile).where(own_file, is_allowed).exists())
    if not concerned:
        return []
    return await _ids(tx, product_id, after, upto, and_(_IS_DETECTED, or_(*concerned)))


async def _ids(tx: Transaction, product_id: str, after: int, upto: int, which: ColumnElement[bool]) -> Sequence[str]:
    statement = select(col(Submission.id)).where(
        col(Submission.product_id) == product_id,
        col(Submission.solved_number) > after,
        col(Submission.solved_number) <= upto,
        col(Submission.state).in_([State.FIXED, State.CLOSED]),
        which,
    )
    return (await tx.session.scalars(statement.order_by(col(Submission.solved_number)))).all()


async def in_doubt(tx: Transaction, product_id: str, upto: int) -> Sequence[str]:
    """Those with a number not above `upto` that some version could not be tried on, and none since then was."""
    statement = select(col(Submission.id)).where(
        col(Submission.product_id) == product_id,
        col(Submission.solved_number) <= upto,
        col(Submission.needs_attention) == "recheck_failed",
    )
    return (await tx.session.scalars(statement)).all()


def is_solved_by(determination: Determination, verdict: Verdict) -> bool:
    """Whether a conclusion that needs no change says what the database must go on doing."""
    is_harmless = determination is Determination.NOT_MALICIOUS and verdict is Verdict.CLEAN
    return is_harmless or determination is Determination.CORRECT_DETECTION


_WAS_FIXED = col(Submission.fixed_in).is_not(None)
_IS_CLEAN = or_(
    and_(col(Submission.kind) == Kind.FALSE_POSITIVE, _WAS_FIXED),
    col(Submission.determination) == Determination.NOT_MALICIOUS,
)
_IS_DETECTED = or_(
    and_(col(Submission.kind) == Kind.FALSE_NEGATIVE, _WAS_FIXED),
    col(Submission.determination) == Determination.CORRECT_DETECTION,
)
