"""The clean corpus."""

import sqlalchemy as sa
from alembic import op

from sigreq.migrations.run import app_role

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "corpus_source",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", _words("sourcekind", "folder", "prefix", "hashes"), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("state", _words("sourcestate", "loading", "complete", "failed"), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", AT, nullable=False),
        sa.Column("completed_at", AT, nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_corpus_source_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corpus_source")),
    )
    op.create_table(
        "corpus_file",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["corpus_source.id"], name=op.f("fk_corpus_file_source_id")),
        sa.PrimaryKeyConstraint("source_id", "sha256", name=op.f("pk_corpus_file")),
    )
    op.create_index("ix_corpus_file_sha256", "corpus_file", ["sha256"])
    has_content = sa.text("size IS NOT NULL")
    op.create_index("ix_corpus_file_content", "corpus_file", ["sha256", "size"], postgresql_where=has_content)
    op.create_table(
        "corpus_revision",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("contents", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_corpus_revision_by")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_corpus_revision")),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON corpus_source, corpus_file TO {role}")
    op.execute(f"GRANT SELECT, INSERT ON corpus_revision TO {role}")


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, length=32)


def downgrade() -> None:
    raise NotImplementedError("the corpus would be lost")
