"""Which workers are at work, and what they can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain.submission import Track
from sigreq.tables.events import WorkerSeen
from sigreq.transaction import Transaction

GONE_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Worker:
    """One worker process. `abilities` is how far it can lock in what it examines, and with which libraries."""

    id: str
    queue: Track
    started_at: datetime
    abilities: dict[str, Any]


async def say_seen(tx: Transaction, worker: Worker) -> None:
    """Note that the worker is there; forget those that have not been for a day."""
    values = {
        "queue": worker.queue,
        "started_at": worker.started_at,
        "seen_at": tx.at,
        "abilities": worker.abilities,
    }
    statement = insert(WorkerSeen).values(id=worker.id, **values)
    await tx.session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    await tx.session.execute(delete(WorkerSeen).where(col(WorkerSeen.seen_at) < tx.at - GONE_AFTER))


async def say_gone(tx: Transaction, worker: Worker) -> None:
    """The worker ends as it should."""
    await tx.session.execute(delete(WorkerSeen).where(col(WorkerSeen.id) == worker.id))


async def seen_since(tx: Transaction, moment: datetime) -> Sequence[WorkerSeen]:
    """Those seen lately, by queue."""
    statement = select(WorkerSeen).where(col(WorkerSeen.seen_at) >= moment)
    return (await tx.session.scalars(statement.order_by(col(WorkerSeen.queue), col(WorkerSeen.id)))).all()
