"""What the proof of a case waits for, and when it can be made.

A case waits for a change from its draft until that was tried on the case's files, as it came out. A determination lays
aside what nobody has approved by then, and a reopening what is out: it did not help. What is approved after that is
waited for again.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, exists, select, update
from sqlmodel import col

from sigreq.domain.lifecycle import ChangeState, State
from sigreq.store import jobs, releases
from sigreq.store.one_of import one_of
from sigreq.tables.events import Job
from sigreq.tables.releases import Change, ChangeSubmission
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

UNAPPROVED = frozenset({ChangeState.DRAFTED, ChangeState.TESTING, ChangeState.TESTED, ChangeState.GATE_FAILED})
OUT = frozenset({ChangeState.PUBLISHED})
_ANNOUNCED = frozenset({ChangeState.APPROVED, ChangeState.PICKED_UP, ChangeState.PUBLISHED})


async def awaited(tx: Transaction, submission_ids: Sequence[str]) -> dict[str, list[Change]]:
    """The changes that each of these waits for, oldest first; those that wait for none are left out."""
    if not submission_ids:
        return {}
    statement = (
        select(col(ChangeSubmission.submission_id), Change)
        .join(Change, col(Change.id) == col(ChangeSubmission.change_id))
        .where(one_of(col(ChangeSubmission.submission_id), submission_ids), _is_awaited())
        .order_by(col(Change.created_at), col(Change.id))
    )
    found: dict[str, list[Change]] = {}
    for submission_id, change in await tx.session.execute(statement.execution_options(populate_existing=True)):
        found.setdefault(submission_id, []).append(change)
    return found


async def hold_published(tx: Transaction, submission_id: str) -> Sequence[Change]:
    """The changes that a case waits for, if all of them are out, oldest first; else none.

    Nobody takes one back until the transaction ends. To be called before the case is locked, as everybody locks
    changes first.
    """
    statement = (
        select(Change)
        .join(ChangeSubmission, col(ChangeSubmission.change_id) == col(Change.id))
        .where(col(ChangeSubmission.submission_id) == submission_id, _is_awaited())
        .order_by(col(Change.id))  # the order in which everybody locks
        .with_for_update(read=True, of=Change)
    )
    found = await tx.session.scalars(statement.execution_options(populate_existing=True))
    held = sorted(found, key=lambda each: (each.created_at, each.id))
    return held if all(each.state is ChangeState.PUBLISHED for each in held) else []


def _is_awaited() -> ColumnElement[bool]:
    return col(ChangeSubmission.is_awaited) & (col(Change.state) != ChangeState.WITHDRAWN)


async def complete_in(tx: Transaction, case: Submission) -> str | None:
    """The first version that holds all that a determined case waits for; None while some of it is to come."""
    changes = (await awaited(tx, [case.id])).get(case.id, [])
    if case.state is not State.DETERMINED or any(each.state is not ChangeState.PUBLISHED for each in changes):
        return None
    holding = {change.published_in for change in changes}
    register = await releases.register(tx, case.product_id)
    published = [each.version for each in register if each.version in holding and each.withdrawn_at is None]
    return published[-1] if published else None  # whatever order they came out in


async def prove_if_complete(tx: Transaction, case: Submission) -> None:
    """Send the case, which must be locked, to proof when all that it waits for is out."""
    version = await complete_in(tx, case)
    if version is not None:
        jobs.add(tx, jobs.JobName.PROVE, case.track, {"submission_id": case.id, "version": version})


async def forgotten(tx: Transaction, submission_id: str | None = None, limit: int = 100) -> Sequence[str]:
    """The determined cases, or whether this is one, that wait for nothing more and were not sent to proof.

    A proof that could not be made is a matter for somebody, and no such case.
    """
    is_sent = exists().where(
        col(Job.name) == jobs.JobName.PROVE,
        col(Job.done_at).is_(None),
        col(Job.args)["submission_id"].astext == col(Submission.id),
    )
    statement = select(col(Submission.id)).where(
        col(Submission.state) == State.DETERMINED,
        col(Submission.needs_attention).is_distinct_from("proof_failed"),
        _waits_for(col(Change.state) == ChangeState.PUBLISHED),
        ~_waits_for(col(Change.state) != ChangeState.PUBLISHED),
        ~is_sent,
    )
    if submission_id is not None:
        statement = statement.where(col(Submission.id) == submission_id)
    return (await tx.session.scalars(statement.order_by(col(Submission.id)).limit(limit))).all()


def _waits_for(such: ColumnElement[bool]) -> ColumnElement[bool]:
    links = select(col(ChangeSubmission.submission_id)).join(Change, col(Change.id) == col(ChangeSubmission.change_id))
    return col(Submission.id).in_(links.where(_is_awaited(), such))


async def lay_aside(tx: Transaction, submission_id: str, states: Collection[ChangeState]) -> None:
    """Have the case, which must be locked, wait no more for its changes in these states."""
    await _write(tx, col(ChangeSubmission.submission_id) == submission_id, states, is_awaited=False)


async def take_up(tx: Transaction, submission_id: str) -> None:
    """Have the case, which must be locked, wait again for its changes that are approved or out."""
    await _write(tx, col(ChangeSubmission.submission_id) == submission_id, _ANNOUNCED, is_awaited=True)


async def take_up_change(tx: Transaction, change_id: str) -> None:
    """Have the cases of a change that is approved, also once more, wait for it; they must be locked."""
    await _write(tx, col(ChangeSubmission.change_id) == change_id, _ANNOUNCED, is_awaited=True)


async def _write(
    tx: Transaction, which: ColumnElement[bool], states: Collection[ChangeState], *, is_awaited: bool
) -> None:
    is_such = exists().where(col(Change.id) == col(ChangeSubmission.change_id), col(Change.state).in_(states))
    await tx.session.execute(
        update(ChangeSubmission)
        .where(which, is_such)
        .values(is_awaited=is_awaited)
        .execution_options(synchronize_session=False)
    )
