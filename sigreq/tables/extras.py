"""Extras: what is laid over a published version for a while."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.changes import ChangeKind
from sigreq.domain.extras import Ending, ExtraState
from sigreq.tables.columns import AT, by_value


class Extra(SQLModel, table=True):
    """One extra. That of a change stands on `base_version`; relief follows the newest version and has none.

    Relief belongs to the organisation of its case alone. `digest` is that of the additions, as signatures of their own;
    `sha256` is missing where a rule is added. `end_told_at` is when the feed said that it is over.
    """

    __table_args__ = (
        CheckConstraint("(change_id IS NULL) <> (submission_id IS NULL)", name="of_change_or_case"),
        CheckConstraint("(live_at IS NULL) = (expires_at IS NULL)", name="live_has_end"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_has_reason"),
        Index("ix_extra_open", "product_id", "expires_at", postgresql_where=text("ended_at IS NULL")),
        Index("ix_extra_case", "submission_id", "sha256", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index(
            "ix_extra_end_untold",
            "ended_at",
            postgresql_where=text("ended_at IS NOT NULL AND live_at IS NOT NULL AND end_told_at IS NULL"),
        ),
        Index("ix_extra_change", "change_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: str = Field(primary_key=True)
    product_id: str = Field(foreign_key="product.id")
    base_version: str | None = None
    kind: ChangeKind = Field(sa_type=by_value(ChangeKind))
    payload: dict[str, Any] = Field(sa_type=JSONB)
    sha256: str | None = None
    digest: str
    change_id: str | None = Field(default=None, foreign_key="change.id")
    submission_id: str | None = Field(default=None, foreign_key="submission.id")
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    hours: int
    proposed_by: str = Field(foreign_key="person.id")
    proposed_at: datetime = Field(sa_type=AT)
    approved_by: str | None = Field(default=None, foreign_key="person.id")
    live_at: datetime | None = Field(default=None, sa_type=AT)
    expires_at: datetime | None = Field(default=None, sa_type=AT)
    ended_at: datetime | None = Field(default=None, sa_type=AT)
    ended_by: str | None = Field(default=None, foreign_key="person.id")
    ending: Ending | None = Field(default=None, sa_type=by_value(Ending))
    end_told_at: datetime | None = Field(default=None, sa_type=AT)

    def state(self, now: datetime) -> ExtraState:
        """Where it stands: it ends by the clock, whether or not anybody has written that down yet."""
        if self.ended_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return ExtraState.ENDED
        return ExtraState.LIVE if self.live_at is not None else ExtraState.PROPOSED
