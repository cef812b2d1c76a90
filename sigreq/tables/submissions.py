"""Submissions, their samples and what was found in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.lifecycle import State
from sigreq.domain.register import DatabaseVerdict
from sigreq.domain.submission import Kind, Track
from sigreq.domain.verdict import Determination, Outcome, Resolution, Verdict
from sigreq.tables.columns import AT, by_value


class Sample(SQLModel, table=True):
    """A file as one organisation sent it, alone or in another; another organisation's equal file is another row.

    `signer` and `import_hash` stand in `executable` too; here they can be searched for.
    """

    __table_args__ = (
        *(Index(f"ix_sample_{each}", each) for each in ("sha256", "sha1", "md5")),
        *(
            Index(f"ix_sample_{each}", each, postgresql_where=text(f"{each} IS NOT NULL"))
            for each in ("tlsh", "signer", "import_hash")
        ),
        Index("ix_sample_alike", "mime", text("created_at DESC"), postgresql_where=text("tlsh IS NOT NULL")),
    )

    organisation_id: str = Field(primary_key=True, foreign_key="organisation.id")
    sha256: str = Field(primary_key=True)
    sha1: str
    md5: str
    size: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=AT)
    last_submitted_at: datetime = Field(sa_type=AT)
    identified_at: datetime | None = Field(default=None, sa_type=AT)
    mime: str | None = None
    description: str | None = None
    tlsh: str | None = None
    signer: str | None = None
    import_hash: str | None = None
    executable: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    identify_fault: str | None = None


class Submission(SQLModel, table=True):
    """A request to change a signature. `revision` is the number of its last event."""

    __table_args__ = (
        CheckConstraint("severity BETWEEN 1 AND 4", name="severity"),
        CheckConstraint("(state = 'in_analysis') = (claim_expires_at IS NOT NULL)", name="claim_has_end"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        Index("ix_submission_organisation_list", "organisation_id", text("received_at DESC"), text("id DESC")),
        Index("ix_submission_list", text("received_at DESC"), text("id DESC")),
        Index("ix_submission_queue", "track", "due_at", "received_at", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_submission_open_under", "product_id", "database_version", postgresql_where=text("state <> 'closed'")),
        Index("ix_submission_fixed", "fixed_at", postgresql_where=text("state = 'fixed'")),
        Index(
            "ix_submission_solved",
            "product_id",
            "solved_number",
            postgresql_where=text("solved_number IS NOT NULL"),
        ),
        Index("ix_submission_warning", "next_warning_at", postgresql_where=text("next_warning_at IS NOT NULL")),
        Index(
            "ix_submission_analyst",
            "analyst_id",
            postgresql_where=text("state IN ('in_analysis', 'awaiting_customer', 'determined')"),
        ),
        Index(
            "ix_submission_promised",
            *("due_at", "received_at", "id"),
            postgresql_where=text("state = 'queued' AND warn_at IS NOT NULL"),
        ),
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
    more_passwords: list[str] = Field(default_factory=list, sa_type=JSONB)

    plan_id: str = Field(foreign_key="plan.id")
    contract_id: str | None = Field(default=None, foreign_key="contract.id")
    group_id: str = Field(foreign_key="analyst_group.id")
    terms: dict[str, Any] = Field(sa_type=JSONB)
    is_premium: bool = False
    phone_number: str | None = None
    phone_needed_until: datetime | None = Field(default=None, sa_type=AT)
    track: Track = Field(sa_type=by_value(Track))
    state: State = Field(sa_type=by_value(State))
    revision: int
    public_sequence: int
    received_at: datetime = Field(sa_type=AT)
    due_at: datetime = Field(sa_type=AT)
    warn_at: datetime | None = Field(default=None, sa_type=AT)
    is_guaranteed: bool
    calendar: str
    next_warning_at: datetime | None = Field(default=None, sa_type=AT)
    finding: str | None = None
    remarks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    needs_attention: str | None = None

    analyst_id: str | None = Field(default=None, foreign_key="person.id")
    claim_expires_at: datetime | None = Field(default=None, sa_type=AT)
    barred: list[str] = Field(default_factory=list, sa_type=JSONB)
    answered_at: datetime | None = Field(default=None, sa_type=AT)
    determined_at: datetime | None = Field(default=None, sa_type=AT)
    determination: Determination | None = Field(default=None, sa_type=by_value(Determination))
    final_verdict: Verdict | None = Field(default=None, sa_type=by_value(Verdict))
    resolution: Resolution | None = Field(default=None, sa_type=by_value(Resolution))
    fixed_in: str | None = None
    fixed_at: datetime | None = Field(default=None, sa_type=AT)
    solved_number: int | None = Field(default=None, sa_type=BigInteger)
    closed_at: datetime | None = Field(default=None, sa_type=AT)


class SubmissionFile(SQLModel, table=True):
    """Which files came with a submission, and what was found in them. A name is only data.

    `parent` is the position of the file that holds it; `sha256` is missing where the content could not be had;
    `faults` is missing until somebody has looked.
    """

    __tablename__ = "submission_file"

    submission_id: str = Field(primary_key=True, foreign_key="submission.id")
    position: int = Field(primary_key=True)
    parent: int | None = None
    sha256: str | None = Field(default=None, index=True)
    name: str
    faults: list[str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))


class Scan(SQLModel, table=True):
    """One file of a submission against one version's rules.

    `scanned_at` is older than `at` where the organisation had sent the same content before: then nothing was scanned.
    """

    __table_args__ = (
        Index("ix_scan_submission", "submission_id", "at"),
        Index(
            "ix_scan_known",
            "organisation_id",
            "sha256",
            "ruleset_digest",
            postgresql_where=text("outcome <> 'not_scanned'"),
        ),
        Index("ix_scan_detections", "detections", postgresql_using="gin"),
    )

    id: str = Field(primary_key=True)
    submission_id: str = Field(foreign_key="submission.id")
    organisation_id: str = Field(foreign_key="organisation.id")
    sha256: str
    purpose: str
    version: str
    ruleset_digest: str | None
    outcome: Outcome = Field(sa_type=by_value(Outcome))
    detections: list[str] = Field(sa_type=JSONB)
    hits: list[dict[str, Any]] = Field(sa_type=JSONB)
    reason: str | None
    engine: str
    seconds: float
    scanned_at: datetime = Field(sa_type=AT)
    at: datetime = Field(sa_type=AT)


class RuleHit(SQLModel, table=True):
    """A rule that hit a file of a submission when it was screened: once for each pair, however many scans show it.

    `scan` says the same; counting the cases of each rule out of its documents takes seconds where the queue is long.
    """

    __tablename__ = "rule_hit"
    __table_args__ = (Index("ix_rule_hit_rule", "rule", "submission_id"),)

    submission_id: str = Field(primary_key=True, foreign_key="submission.id")
    rule: str = Field(primary_key=True)


class Idempotency(SQLModel, table=True):
    """The answer that a key was given, written with the submission itself."""

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    key: str = Field(primary_key=True)
    fingerprint: str
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    created_at: datetime = Field(sa_type=AT)


class DeadlineWarning(SQLModel, table=True):
    """One warning that an answer is getting late. Unique, so there is one of each; the on-call is told by this id."""

    __tablename__ = "deadline_warning"
    __table_args__ = (UniqueConstraint("submission_id", "clock", "percent"),)

    id: str = Field(primary_key=True)
    submission_id: str = Field(foreign_key="submission.id")
    clock: int
    percent: int
    due_at: datetime = Field(sa_type=AT)
    at: datetime = Field(sa_type=AT)


class PhoneRequest(SQLModel, table=True):
    """A request taken by phone: the claim is ours to write down, the file comes by a link that works once."""

    __tablename__ = "phone_request"

    id: str = Field(primary_key=True)
    token_digest: str = Field(unique=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    claim: dict[str, Any] = Field(sa_type=JSONB)
    called_at: datetime = Field(sa_type=AT)
    taken_by: str = Field(foreign_key="person.id")
    expires_at: datetime = Field(sa_type=AT)
    used_at: datetime | None = Field(default=None, sa_type=AT)
    submission_id: str | None = Field(default=None, foreign_key="submission.id")
