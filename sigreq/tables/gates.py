"""Runs of the gate, and the parts that workers share."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.gating import PartKind, Purpose, RunState
from sigreq.domain.submission import Track
from sigreq.tables.columns import AT, by_value


class GateRun(SQLModel, table=True):
    """One test of a change, of a train or of a published version (`subject`), with what it saw and what came of it.

    `ruleset_digest` is the whole candidate, `scanned_digest` the part of it that has to be scanned for new detections.
    `targets` are the engines that it is tried in.
    """

    __tablename__ = "gate_run"
    __table_args__ = (
        Index("ix_gate_run_subject", "subject", "started_at"),
        Index("ix_gate_run_candidate", "product_id", "ruleset_digest"),
    )

    id: str = Field(primary_key=True)
    product_id: str = Field(foreign_key="product.id")
    purpose: Purpose = Field(sa_type=by_value(Purpose))
    subject: str
    rev: int | None = None
    changes: list[str] = Field(sa_type=JSONB)
    track: Track = Field(sa_type=by_value(Track))
    state: RunState = Field(sa_type=by_value(RunState))
    started_at: datetime = Field(sa_type=AT)
    started_by: str | None = Field(default=None, foreign_key="person.id")
    finished_at: datetime | None = Field(default=None, sa_type=AT)
    base_version: str | None = None
    ruleset_digest: str | None = None
    scanned_digest: str | None = None
    seen_solved: int = Field(default=0, sa_type=BigInteger)
    seen_corpus: int = 0
    alongside: list[str] = Field(default_factory=list, sa_type=JSONB)
    targets: list[str] = Field(default_factory=list, sa_type=JSONB)
    total: int | None = None
    done: int = 0
    report: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))


class GatePart(SQLModel, table=True):
    """A share of a run: which cases, or which clean files, and what was found in them."""

    __tablename__ = "gate_part"

    run_id: str = Field(primary_key=True, foreign_key="gate_run.id")
    number: int = Field(primary_key=True)
    kind: PartKind = Field(sa_type=by_value(PartKind))
    items: list[Any] = Field(sa_type=JSONB)
    finished_at: datetime | None = Field(default=None, sa_type=AT)
    findings: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
