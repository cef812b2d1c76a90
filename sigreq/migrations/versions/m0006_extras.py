"""Extras, and open submissions found by the version they were made under."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sigreq.migrations.run import app_role

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
AT = sa.DateTime(timezone=True)
KINDS = ("rule_add", "rule_modify", "sig_disable", "sig_retire", "hash_add", "hash_allow", "rename")
ENDINGS = (
    "expired",
    "shipped",
    "fixed",
    "closed",
    "taken_back",
    "contradicted",
    "base_replaced",
    "base_withdrawn",
    "change_withdrawn",
)
REFERENCES = {
    "product_id": "product.id",
    "change_id": "change.id",
    "submission_id": "submission.id",
    "organisation_id": "organisation.id",
    "proposed_by": "person.id",
    "approved_by": "person.id",
    "ended_by": "person.id",
}


def upgrade() -> None:
    _extras()
    is_open = sa.text("ended_at IS NULL")
    op.create_index("ix_extra_open", "extra", ["product_id", "expires_at"], postgresql_where=is_open)
    op.create_index("ix_extra_case", "extra", ["submission_id", "sha256"], unique=True, postgresql_where=is_open)
    op.create_index("ix_extra_change", "extra", ["change_id"], unique=True, postgresql_where=is_open)
    op.create_index(
        "ix_submission_open_under",
        "submission",
        ["product_id", "database_version"],
        postgresql_where=sa.text("state <> 'closed'"),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON extra TO {role}")


def _extras() -> None:
    op.create_table(
        "extra",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Text(), nullable=True),
        sa.Column("kind", _words("changekind", *KINDS), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("change_id", "submission_id", "organisation_id")),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", AT, nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        *(sa.Column(name, AT, nullable=True) for name in ("live_at", "expires_at", "ended_at")),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ending", _words("ending", *ENDINGS), nullable=True),
        sa.CheckConstraint("(change_id IS NULL) <> (submission_id IS NULL)", name=op.f("ck_extra_of_change_or_case")),
        sa.CheckConstraint("(live_at IS NULL) = (expires_at IS NULL)", name=op.f("ck_extra_live_has_end")),
        sa.CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_extra_ended_has_reason")),
        *(sa.ForeignKeyConstraint([name], [of], name=op.f(f"fk_extra_{name}")) for name, of in REFERENCES.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extra")),
    )


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, length=32)


def downgrade() -> None:
    raise NotImplementedError("the extras would be lost")
