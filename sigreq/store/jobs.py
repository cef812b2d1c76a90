"""The durable queue: a job is a row, a lease on it a compare-and-swap with a fresh fencing token.

Redis is only told which row to look at. A job is done when, and only when, the transaction that holds its effect
also marks it done under the token; a worker that lost its lease matches no row.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, bindparam, insert, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.elements import BindParameter
from sqlmodel import col

from sigreq.domain.submission import Track
from sigreq.tables.columns import AT
from sigreq.tables.events import Job
from sigreq.transaction import Hint, Transaction

# No transaction that changes a job has read it as an object, and looking for one costs more than the statement.
_NO_COPIES = {"synchronize_session": False}


class JobName(StrEnum):
    """What can be done in the background."""

    SCREEN = "submission.screen"
    EXAMINE = "submission.examine"
    GATE = "gate.plan"
    GATE_PART = "gate.part"
    CORPUS_READ = "corpus.read"
    CORPUS_SWEEP = "corpus.sweep"
    PROVE = "submission.prove"
    PREPARE = "release.prepare"
    REPOSITORY = "repository.publish"
    EXTRAS = "extra.tell"
    DELIVER = "webhook.deliver"
    MAIL = "mail.send"
    WARN = "warning.tell"
    ALERT = "alert.tell"


class LeaseLost(Exception):
    """Somebody else has, or had, this job: whatever was computed must not be written."""


@dataclass(frozen=True)
class Lease:
    """The right to finish one job, as long as the token stands in its row."""

    job_id: str
    token: str
    name: JobName
    args: dict[str, Any]
    attempt: int
    created_at: datetime


def add(tx: Transaction, name: JobName, queue: Track, args: dict[str, Any]) -> str:
    """Write a job with its cause, and hint at it after the commit; its id."""
    job = Job(id=uuid4().hex, name=name, queue=queue, args=args, created_at=tx.at, due_at=tx.at, hinted_at=tx.at)
    tx.session.add(job)
    tx.hints.append(Hint(job.id, name, queue))
    return job.id


async def add_many(tx: Transaction, name: JobName, rows: Sequence[tuple[Track, dict[str, Any]]]) -> None:
    """Write many jobs of one kind, each with its queue and arguments, in one statement.

    No hint leaves for them: workers find them by and by, and what was hinted at meanwhile goes before them.
    """
    common = {"name": name, "created_at": tx.at, "due_at": tx.at, "attempts": 0}
    values = [{**common, "id": uuid4().hex, "queue": queue, "args": args} for queue, args in rows]
    if values:
        await tx.session.execute(insert(Job), values)


async def is_open(tx: Transaction, name: JobName) -> bool:
    """Whether a job of this kind waits or is being done."""
    statement = select(col(Job.id)).where(col(Job.name) == name, col(Job.done_at).is_(None)).limit(1)
    return await tx.session.scalar(statement) is not None


async def claim(tx: Transaction, job_id: str, length: timedelta) -> Lease | None:
    """Take the job if it is due and nobody holds it."""
    token = secrets.token_hex(8)
    values = {"of": job_id, "now": tx.at, "new_token": token, "until": tx.at + length}
    row = (await tx.session.execute(_CLAIM, values)).one_or_none()
    if row is None:
        return None
    return Lease(job_id, token, JobName(row.name), row.args, row.attempts, row.created_at)


async def renew(tx: Transaction, lease: Lease, length: timedelta) -> None:
    """Keep the lease. Raises LeaseLost."""
    await _under(tx, lease, lease_expires_at=tx.at + length)


async def finish(tx: Transaction, lease: Lease, error: str | None = None) -> None:
    """Mark the job done in the transaction that writes its effect. Raises LeaseLost."""
    await _under(tx, lease, done_at=tx.at, last_error=error, lease_token=None, lease_expires_at=None)


async def put_back(tx: Transaction, lease: Lease, due_at: datetime, error: str, *, is_counted: bool) -> None:
    """Try again at `due_at`; an attempt that failed for want of a server is not counted. Raises LeaseLost."""
    await _under(
        tx,
        lease,
        due_at=due_at,
        hinted_at=None,
        last_error=error[:500],
        lease_token=None,
        lease_expires_at=None,
        attempts=lease.attempt - (0 if is_counted else 1),
    )


async def forgotten(tx: Transaction, queue: Track, patience: timedelta, limit: int = 100) -> Sequence[Hint]:
    """Jobs that are due, free and not hinted at lately; they count as hinted at from now on."""
    free = (
        select(col(Job.id))
        .where(
            col(Job.queue) == queue,
            col(Job.due_at) <= tx.at,
            _is_free(tx.at),
            or_(col(Job.hinted_at).is_(None), col(Job.hinted_at) < tx.at - patience),
        )
        .order_by(col(Job.due_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(Job).where(col(Job.id).in_(free)).values(hinted_at=tx.at).returning(col(Job.id), col(Job.name))
    return [Hint(row.id, row.name, queue) for row in await tx.session.execute(statement)]


def _is_free(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    lease_ends = col(Job.lease_expires_at)
    return col(Job.done_at).is_(None) & or_(lease_ends.is_(None), lease_ends < at)


# What every job needs is built once: to build a statement takes SQLAlchemy as long as to execute it.
_NOW = bindparam("now", type_=AT)
_CLAIM = (
    update(Job)
    .where(col(Job.id) == bindparam("of"), _is_free(_NOW), col(Job.due_at) <= _NOW)
    .values(lease_token=bindparam("new_token"), lease_expires_at=bindparam("until"), attempts=col(Job.attempts) + 1)
    .returning(col(Job.name), col(Job.args), col(Job.attempts), col(Job.created_at))
    .execution_options(**_NO_COPIES)
)


async def _under(tx: Transaction, lease: Lease, **values: Any) -> None:
    new = {f"new_{name}": value for name, value in values.items()}
    held = {"of": lease.job_id, "held_token": lease.token}
    if (await tx.session.execute(_held(tuple(values)), held | new)).one_or_none() is None:
        raise LeaseLost(lease.job_id)


@cache
def _held(names: tuple[str, ...]) -> ReturningUpdate[str]:
    """An UPDATE of these columns under a lease."""
    return (
        update(Job)
        .where(col(Job.id) == bindparam("of"), col(Job.lease_token) == bindparam("held_token"))
        .values({name: bindparam(f"new_{name}") for name in names})
        .returning(col(Job.id))
        .execution_options(**_NO_COPIES)
    )
