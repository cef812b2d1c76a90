"""Signing keys, the bundle repository and signed evidence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sigreq.migrations.run import app_role

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _keys()
    _repository()
    op.create_table(
        "evidence",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("envelope", JSON, nullable=False),
        sa.Column("signed_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_evidence_submission_id")),
        sa.PrimaryKeyConstraint("submission_id", "version", name=op.f("pk_evidence")),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT ON signing_key, repository_document, bundle_target, evidence TO {role}")
    op.execute(f"GRANT UPDATE (state, private, activated_at, retired_at, is_compromised) ON signing_key TO {role}")
    op.execute(f"GRANT UPDATE (content, uploaded_at) ON repository_document TO {role}")


def _keys() -> None:
    roles = ("targets", "expedited", "snapshot", "timestamp", "approvals", "evidence")
    op.create_table(
        "signing_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("role", _words("keyrole", *roles), nullable=False),
        sa.Column("state", _words("keystate", "next", "active", "retired"), nullable=False),
        sa.Column("public", JSON, nullable=False),
        sa.Column("private", sa.Text(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        *(sa.Column(name, AT, nullable=True) for name in ("activated_at", "retired_at")),
        sa.Column("is_compromised", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )


def _repository() -> None:
    op.create_table(
        "repository_document",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        *(sa.Column(name, AT, nullable=False) for name in ("expires_at", "written_at")),
        sa.Column("uploaded_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_repository_document")),
        sa.UniqueConstraint("role", "version", name=op.f("uq_repository_document_role_version")),
    )
    waiting = sa.text("uploaded_at IS NULL")
    op.create_index("ix_repository_document_waiting", "repository_document", ["number"], postgresql_where=waiting)
    op.create_table(
        "bundle_target",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "product_id", "version", "sha256")),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_bundle_target")),
    )
    op.create_index("ix_bundle_target_product_id", "bundle_target", ["product_id"])


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, length=32)


def downgrade() -> None:
    raise NotImplementedError("signing keys would be lost")
