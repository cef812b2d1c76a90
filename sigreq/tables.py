"""The tables. Rows are built by `store/` only, never taken from or given to a request."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Enum, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.changes import ChangeKind
from sigreq.domain.lifecycle import ChangeState, State
from sigreq.domain.people import Role
from sigreq.domain.register import DatabaseVerdict
from sigreq.domain.submission import Kind, Track
from sigreq.domain.verdict import Determination, Outcome, Resolution, Verdict
from sigreq.domain.versions import Scheme

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
AT: Any = DateTime(timezone=True)


def by_value(enum: type[StrEnum]) -> Any:
    """Store an enum as its value in text, not as its Python name."""
    return Enum(enum, values_callable=lambda members: [m.value for m in members], native_enum=False, length=32)


class Calendar(SQLModel, table=True):
    """When somebody works: hours as `domain/worktime.parse_hours` reads them."""

    id: str = Field(primary_key=True)
    time_zone: str
    hours: str


class Plan(SQLModel, table=True):
    """A service plan as data: track, and the response goal of each severity."""

    id: str = Field(primary_key=True)
    title: str
    track: Track = Field(sa_type=by_value(Track))
    goals: dict[str, Any] = Field(sa_type=JSONB)


class Organisation(SQLModel, table=True):
    """A customer."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    plan_id: str = Field(foreign_key="plan.id")
    created_at: datetime = Field(sa_type=AT)


class Person(SQLModel, table=True):
    """Somebody, or a machine, that acts. Customers' people have an organisation, staff have none."""

    __table_args__ = (
        CheckConstraint("(role = 'customer') = (organisation_id IS NOT NULL)", name="customer_has_organisation"),
    )

    id: str = Field(primary_key=True)
    name: str
    role: Role = Field(sa_type=by_value(Role))
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")


class ApiKey(SQLModel, table=True):
    """Only the hash of a key is kept."""

    __tablename__ = "api_key"

    digest: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    hint: str
    created_at: datetime = Field(sa_type=AT)
    revoked_at: datetime | None = Field(default=None, sa_type=AT)


class WebhookEndpoint(SQLModel, table=True):
    """Where an organisation is told. The secret signs, so it is kept readable."""

    __tablename__ = "webhook_endpoint"

    organisation_id: str = Field(primary_key=True, foreign_key="organisation.id")
    url: str
    secret: str
    created_at: datetime = Field(sa_type=AT)
    disabled_at: datetime | None = Field(default=None, sa_type=AT)


class Product(SQLModel, table=True):
    """An antivirus product; versions compare only inside one."""

    id: str = Field(primary_key=True)
    title: str
    scheme: Scheme = Field(sa_type=by_value(Scheme))
    grace_seconds: int
    update_instructions: str


class Release(SQLModel, table=True):
    """One published database version: a row of the release register."""

    __table_args__ = (UniqueConstraint("product_id", "ordinal"),)

    product_id: str = Field(primary_key=True, foreign_key="product.id")
    version: str = Field(primary_key=True)
    ordinal: int = Field(sa_type=BigInteger)
    published_at: datetime = Field(sa_type=AT)
    rollout_done_at: datetime | None = Field(default=None, sa_type=AT)
    withdrawn_at: datetime | None = Field(default=None, sa_type=AT)
    ruleset_digest: str
    content_digest: str
    published_by: str = Field(foreign_key="person.id")


class Sample(SQLModel, table=True):
    """A file as one organisation sent it; another organisation's equal file is another row."""

    organisation_id: str = Field(primary_key=True, foreign_key="organisation.id")
    sha256: str = Field(primary_key=True)
    sha1: str
    md5: str
    size: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=AT)
    last_submitted_at: datetime = Field(sa_type=AT)


class Submission(SQLModel, table=True):
    """A request to change a signature. `revision` is the number of its last event."""

    __table_args__ = (
        CheckConstraint("severity BETWEEN 1 AND 4", name="severity"),
        CheckConstraint("(state = 'in_analysis') = (claim_expires_at IS NOT NULL)", name="claim_has_end"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        Index("ix_submission_organisation_list", "organisation_id", text("received_at DESC"), text("id DESC")),
        Index("ix_submission_list", text("received_at DESC"), text("id DESC")),
        Index("ix_submission_queue", "track", "due_at", "received_at", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_submission_claim", "claim_expires_at", postgresql_where=text("state = 'in_analysis'")),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    submitted_by: str = Field(foreign_key="person.id")
    kind: Kind = Field(sa_type=by_value(Kind))
    product_id: str = Field(foreign_key="product.id", index=True)
    product_version: str
    database_version: str
    database_verdict: DatabaseVerdict = Field(sa_type=by_value(DatabaseVerdict))
    latest_version: str | None
    severity: int
    expected_verdict: Verdict = Field(sa_type=by_value(Verdict))
    detection_name: str | None = None
    contact: str
    details: dict[str, Any] = Field(sa_type=JSONB)
    archive_password: str | None = None

    plan_id: str = Field(foreign_key="plan.id")
    track: Track = Field(sa_type=by_value(Track))
    state: State = Field(sa_type=by_value(State))
    revision: int
    public_sequence: int
    received_at: datetime = Field(sa_type=AT)
    due_at: datetime = Field(sa_type=AT)
    warn_at: datetime | None = Field(default=None, sa_type=AT)
    is_guaranteed: bool
    finding: str | None = None
    needs_attention: str | None = None

    analyst_id: str | None = Field(default=None, foreign_key="person.id")
    claim_expires_at: datetime | None = Field(default=None, sa_type=AT)
    barred_person: str | None = Field(default=None, foreign_key="person.id")
    answered_at: datetime | None = Field(default=None, sa_type=AT)
    determination: Determination | None = Field(default=None, sa_type=by_value(Determination))
    final_verdict: Verdict | None = Field(default=None, sa_type=by_value(Verdict))
    resolution: Resolution | None = Field(default=None, sa_type=by_value(Resolution))
    fixed_in: str | None = None
    fixed_at: datetime | None = Field(default=None, sa_type=AT)
    closed_at: datetime | None = Field(default=None, sa_type=AT)


class SubmissionSample(SQLModel, table=True):
    """Which files came with a submission, under which names. A name is only data."""

    __tablename__ = "submission_sample"

    submission_id: str = Field(primary_key=True, foreign_key="submission.id")
    sha256: str = Field(primary_key=True, index=True)
    position: int
    name: str


class Event(SQLModel, table=True):
    """What happened, append-only: the application's role may insert and read, nothing else."""

    __table_args__ = (UniqueConstraint("subject_id", "sequence"),)

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


class Scan(SQLModel, table=True):
    """One sample against one version's rules, kept per organisation through its submission."""

    __table_args__ = (Index("ix_scan_submission", "submission_id", "at"),)

    id: str = Field(primary_key=True)
    submission_id: str = Field(foreign_key="submission.id")
    sha256: str
    purpose: str
    version: str
    ruleset_digest: str | None
    outcome: Outcome = Field(sa_type=by_value(Outcome))
    detections: list[str] = Field(sa_type=JSONB)
    reason: str | None
    at: datetime = Field(sa_type=AT)


class Change(SQLModel, table=True):
    """A signature change; what it asks for is in its revisions, which never change."""

    id: str = Field(primary_key=True)
    product_id: str = Field(foreign_key="product.id")
    kind: ChangeKind = Field(sa_type=by_value(ChangeKind))
    track: Track = Field(sa_type=by_value(Track))
    state: ChangeState = Field(sa_type=by_value(ChangeState), index=True)
    revision: int
    rev: int
    created_at: datetime = Field(sa_type=AT)
    tested_against: str | None = None
    report: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    approved_by: str | None = Field(default=None, foreign_key="person.id")
    published_in: str | None = None


class ChangeRevision(SQLModel, table=True):
    """What a change asked for at one edit."""

    __tablename__ = "change_revision"

    change_id: str = Field(primary_key=True, foreign_key="change.id")
    rev: int = Field(primary_key=True)
    payload: dict[str, Any] = Field(sa_type=JSONB)
    written_by: str = Field(foreign_key="person.id")
    written_at: datetime = Field(sa_type=AT)


class ChangeSubmission(SQLModel, table=True):
    """Which submissions a change helps."""

    __tablename__ = "change_submission"

    change_id: str = Field(primary_key=True, foreign_key="change.id")
    submission_id: str = Field(primary_key=True, foreign_key="submission.id", index=True)


class FeedEntry(SQLModel, table=True):
    """One line of the feed that release tooling polls; numbered under one lock, so no cursor can miss one."""

    __tablename__ = "feed_entry"

    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    product_id: str = Field(foreign_key="product.id")
    track: Track = Field(sa_type=by_value(Track))
    action: str
    change_id: str = Field(foreign_key="change.id")
    document: dict[str, Any] = Field(sa_type=JSONB)
    at: datetime = Field(sa_type=AT)


class Idempotency(SQLModel, table=True):
    """The answer that a key was given, written with the submission itself."""

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    key: str = Field(primary_key=True)
    fingerprint: str
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    created_at: datetime = Field(sa_type=AT)


class Job(SQLModel, table=True):
    """Work to be done, written with what caused it. The truth; what Redis knows is a hint."""

    __table_args__ = (Index("ix_job_due", "queue", "due_at", postgresql_where=text("done_at IS NULL")),)

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
