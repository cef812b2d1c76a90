"""Products, their published versions, and the changes that lead to new ones."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.changes import ChangeKind
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.submission import Track
from sigreq.domain.versions import Scheme
from sigreq.tables.columns import AT, by_value


class Product(SQLModel, table=True):
    """An antivirus product; versions compare only inside one. `newest_solved` is the last number given to a case."""

    id: str = Field(primary_key=True)
    title: str
    scheme: Scheme = Field(sa_type=by_value(Scheme))
    grace_seconds: int
    update_instructions: str
    targets: list[str] = Field(default_factory=lambda: ["yara"], sa_type=JSONB)
    newest_solved: int = Field(default=0, sa_type=BigInteger)


class TrainSchedule(SQLModel, table=True):
    """When a product's versions go out; without a row everything goes out at once."""

    __tablename__ = "train_schedule"

    product_id: str = Field(primary_key=True, foreign_key="product.id")
    days: list[str] = Field(sa_type=JSONB)
    times: list[str] = Field(sa_type=JSONB)
    time_zone: str
    set_by: str = Field(foreign_key="person.id")
    set_at: datetime = Field(sa_type=AT)


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
    gate_id: str | None = None
    rolls_back_to: str | None = None
    bundles: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    published_by: str = Field(foreign_key="person.id")


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
    gate_id: str | None = None
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
    """Which submissions a change helps, and whether their proof waits for it: see `store/proofs`."""

    __tablename__ = "change_submission"
    __table_args__ = (Index("ix_change_submission_awaited", "submission_id", postgresql_where=text("is_awaited")),)

    change_id: str = Field(primary_key=True, foreign_key="change.id")
    submission_id: str = Field(primary_key=True, foreign_key="submission.id", index=True)
    is_awaited: bool = True


class FeedEntry(SQLModel, table=True):
    """One line of the feed that release tooling polls; numbered under one lock, so no cursor can miss one."""

    __table_args__ = (
        Index("ix_feed_entry_product", "product_id", "number"),
        CheckConstraint("(change_id IS NULL) <> (extra_id IS NULL)", name="of_change_or_extra"),
    )
    __tablename__ = "feed_entry"

    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    product_id: str = Field(foreign_key="product.id")
    track: Track = Field(sa_type=by_value(Track))
    action: str
    change_id: str | None = Field(default=None, foreign_key="change.id")
    extra_id: str | None = Field(default=None, foreign_key="extra.id")
    document: dict[str, Any] = Field(sa_type=JSONB)
    at: datetime = Field(sa_type=AT)
