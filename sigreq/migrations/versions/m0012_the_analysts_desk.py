"""Texts to answer with, and saved views of the queue."""

import sqlalchemy as sa
from alembic import op

from sigreq.migrations.run import app_role

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "canned_text",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("language", sa.String(32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["analyst_group.id"], name=op.f("fk_canned_text_group_id")),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_canned_text_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_text")),
        sa.UniqueConstraint("group_id", "language", "title", name=op.f("uq_canned_text_group_id_language_title")),
    )
    op.create_table(
        "saved_view",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_saved_view_person_id")),
        sa.PrimaryKeyConstraint("person_id", "name", name=op.f("pk_saved_view")),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON canned_text, saved_view TO {role}")


def downgrade() -> None:
    raise NotImplementedError("texts and views would be lost")
