"""What happened, and what is still to be done."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.submission import Track
from sigreq.tables.columns import AT, by_value


class Event(SQLModel, table=True):
    """What happened, append-only: the application's role may insert and read, nothing else."""

    __table_args__ = (
        UniqueConstraint("subject_id", "sequence"),
        Index("ix_event_taken", text("at DESC"), postgresql_where=text("name = 'taken'")),
    )

    id: str = Field(primary_key=True)
    subject_id: str
    sequence: int
    public_sequence: int | None = None
    name: str
    state: str
    was: str | None = None
    actor_id: str | None = Field(default=None, foreign_key="person.id")
    at: datetime = Field(sa_type=AT)
    data: dict[str, Any] = Field(sa_type=JSONB)


class WorkerSeen(SQLModel, table=True):
    """A worker that is, or was, at work: which queue, and how far it can lock in what it examines."""

    __tablename__ = "worker_seen"

    id: str = Field(primary_key=True)
    queue: Track = Field(sa_type=by_value(Track))
    started_at: datetime = Field(sa_type=AT)
    seen_at: datetime = Field(sa_type=AT)
    abilities: dict[str, Any] = Field(sa_type=JSONB)


class Job(SQLModel, table=True):
    """Work to be done, written with what caused it. The truth; what Redis knows is a hint.

    `answer` is what a receiver said that ended a delivery.
    """

    __table_args__ = (
        Index("ix_job_due", "queue", "due_at", postgresql_where=text("done_at IS NULL")),
        Index(
            "ix_job_delivery",
            *(text("(args ->> 'organisation_id')"), text("created_at DESC"), text("id DESC")),
            postgresql_where=text("name = 'webhook.deliver'"),
        ),
    )

    id: str = Field(primary_key=True)
    name: str
    queue: Track = Field(sa_type=by_value(Track))
    args: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_type=AT)
    due_at: datetime = Field(sa_type=AT)
    hinted_at: datetime | None = Field(default=None, sa_type=AT)
    attempts: int = 0
    lease_token: str | None = None
    lease_expires_at: datetime | None = Field(default=None, sa_type=AT)
    done_at: datetime | None = Field(default=None, sa_type=AT)
    last_error: str | None = None
    answer: str | None = None
