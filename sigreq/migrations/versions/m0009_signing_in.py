"""Passwords, the links by which they are set, and the orders in which pages read cases."""

import sqlalchemy as sa
from alembic import op

from sigreq.migrations.run import app_role

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sign_in",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sign_in_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("login", name=op.f("uq_sign_in_login")),
    )
    op.create_table(
        "password_link",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_password_link_person_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_password_link")),
    )
    op.create_index("ix_password_link_person_id", "password_link", ["person_id"])
    op.create_index(
        "ix_submission_analyst",
        "submission",
        ["analyst_id"],
        postgresql_where=sa.text("state IN ('in_analysis', 'awaiting_customer', 'determined')"),
    )
    op.create_index(
        "ix_submission_promised",
        "submission",
        ["due_at", "received_at", "id"],
        postgresql_where=sa.text("state = 'queued' AND warn_at IS NOT NULL"),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON sign_in, password_link TO {role}")


def downgrade() -> None:
    raise NotImplementedError("passwords would be lost")
