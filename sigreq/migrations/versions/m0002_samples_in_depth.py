"""What is in a file, what it is, and how each rule hit it; which workers there are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sigreq.migrations.run import app_role

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SEARCHED = ("tlsh", "signer", "import_hash")
FINDINGS = {
    "reproduced": "supported",
    "already_fixed": "refuted",
    "not_scanned": "undecided",
}


def upgrade() -> None:
    _samples()
    _files()
    _scans()
    _workers()
    _missed_before()
    for name in ("remarks", "more_passwords"):
        op.add_column("submission", _json(name, "[]"))
        op.alter_column("submission", name, server_default=None)
    for was, now in FINDINGS.items():
        statement = sa.text("UPDATE submission SET finding = :now WHERE finding = :was")
        op.execute(statement.bindparams(now=now, was=was))


def _json(name: str, default: str | None = None) -> sa.Column[object]:
    return sa.Column(
        name,
        postgresql.JSONB(astext_type=sa.Text()),
        nullable=default is None,
        server_default=None if default is None else sa.text(f"'{default}'"),
    )


def _samples() -> None:
    op.add_column("sample", sa.Column("identified_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("mime", "description", *SEARCHED, "identify_fault"):
        op.add_column("sample", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("sample", _json("executable"))
    for name in ("sha256", "sha1", "md5"):
        op.create_index(f"ix_sample_{name}", "sample", [name])
    for name in SEARCHED:
        op.create_index(f"ix_sample_{name}", "sample", [name], postgresql_where=sa.text(f"{name} IS NOT NULL"))
    op.create_index(
        "ix_sample_alike", "sample", ["mime", sa.text("created_at DESC")], postgresql_where=sa.text("tlsh IS NOT NULL")
    )


def _files() -> None:
    """Files get a number instead of their hash as the key: the same content can be in one archive twice."""
    op.drop_index("ix_submission_sample_sha256", table_name="submission_sample")
    op.rename_table("submission_sample", "submission_file")
    op.execute("ALTER TABLE submission_file DROP CONSTRAINT pk_submission_sample")
    op.execute(
        "ALTER TABLE submission_file RENAME CONSTRAINT fk_submission_sample_submission_id "
        "TO fk_submission_file_submission_id"
    )
    op.create_primary_key("pk_submission_file", "submission_file", ["submission_id", "position"])
    op.alter_column("submission_file", "sha256", nullable=True)
    op.add_column("submission_file", sa.Column("parent", sa.Integer(), nullable=True))
    op.add_column("submission_file", _json("faults"))
    op.create_index("ix_submission_file_sha256", "submission_file", ["sha256"])


def _scans() -> None:
    op.add_column("scan", sa.Column("organisation_id", sa.Text(), nullable=True))
    op.execute("UPDATE scan SET organisation_id = s.organisation_id FROM submission s WHERE s.id = scan.submission_id")
    op.alter_column("scan", "organisation_id", nullable=False)
    op.create_foreign_key("fk_scan_organisation_id", "scan", "organisation", ["organisation_id"], ["id"])
    op.add_column("scan", _json("hits", "[]"))
    op.add_column("scan", sa.Column("engine", sa.Text(), nullable=False, server_default="unknown"))
    op.add_column("scan", sa.Column("seconds", sa.Float(), nullable=False, server_default="0"))
    op.add_column("scan", sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE scan SET scanned_at = at")
    op.alter_column("scan", "scanned_at", nullable=False)
    for name in ("hits", "engine", "seconds"):
        op.alter_column("scan", name, server_default=None)
    op.create_index(
        "ix_scan_known",
        "scan",
        ["organisation_id", "sha256", "ruleset_digest"],
        postgresql_where=sa.text("outcome <> 'not_scanned'"),
    )
    op.create_index("ix_scan_detections", "scan", ["detections"], postgresql_using="gin")


def _workers() -> None:
    op.create_table(
        "worker_seen",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(
            "queue", sa.Enum("expedited", "standard", name="track", native_enum=False, length=32), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("abilities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_seen")),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON worker_seen TO {role}")
    op.execute(f"GRANT UPDATE (faults), DELETE ON submission_file TO {role}")


def _missed_before() -> None:
    """Two indexes that the tables name, and 0001 forgot."""
    op.create_index("ix_event_taken", "event", [sa.text("at DESC")], postgresql_where=sa.text("name = 'taken'"))
    op.create_index("ix_submission_fixed", "submission", ["fixed_at"], postgresql_where=sa.text("state = 'fixed'"))


def downgrade() -> None:
    raise NotImplementedError("the members of archives would be lost")
