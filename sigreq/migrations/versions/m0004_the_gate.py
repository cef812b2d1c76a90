"""Runs of the gate, and the cases that were solved in their order."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sigreq.migrations.run import app_role

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
AT = sa.DateTime(timezone=True)
SOLVED = """
    UPDATE submission SET solved_number = numbered.number FROM (
        SELECT id, row_number() OVER (ORDER BY coalesce(closed_at, fixed_at), id) AS number FROM submission
        WHERE state IN ('fixed', 'closed') AND (fixed_in IS NOT NULL OR determination = 'correct_detection'
            OR (determination = 'not_malicious' AND final_verdict = 'clean'))
    ) numbered WHERE numbered.id = submission.id"""


def upgrade() -> None:
    _runs()
    _parts()
    op.add_column("submission", sa.Column("solved_number", sa.BigInteger(), nullable=True))
    op.execute(SOLVED)
    op.create_index(
        "ix_submission_solved",
        "submission",
        ["product_id", "solved_number"],
        postgresql_where=sa.text("solved_number IS NOT NULL"),
    )
    op.add_column("product", sa.Column("targets", JSON, nullable=False, server_default=sa.text("""'["yara"]'""")))
    op.alter_column("product", "targets", server_default=None)
    op.add_column("release", sa.Column("gate_id", sa.Text(), nullable=True))
    op.add_column("change", sa.Column("gate_id", sa.Text(), nullable=True))
    # A pass of before is worth nothing now: what was tested is tested again.
    op.drop_column("change", "tested_against")
    op.drop_column("change", "report")
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON gate_run, gate_part TO {role}")
    op.execute(f"GRANT UPDATE (targets) ON product TO {role}")


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, length=32)


def _runs() -> None:
    op.create_table(
        "gate_run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("purpose", _words("purpose", "change", "train", "recheck"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=True),
        sa.Column("changes", JSON, nullable=False),
        sa.Column("track", _words("track", "expedited", "standard"), nullable=False),
        sa.Column("state", _words("runstate", "running", "passed", "failed"), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("started_by", sa.Text(), nullable=True),
        sa.Column("finished_at", AT, nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("base_version", "ruleset_digest", "scanned_digest")),
        sa.Column("seen_solved", sa.BigInteger(), nullable=False),
        sa.Column("seen_corpus", sa.Integer(), nullable=False),
        sa.Column("alongside", JSON, nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("report", JSON, nullable=True),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_gate_run_product_id")),
        sa.ForeignKeyConstraint(["started_by"], ["person.id"], name=op.f("fk_gate_run_started_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_run")),
    )
    op.create_index("ix_gate_run_subject", "gate_run", ["subject", "started_at"])
    op.create_index("ix_gate_run_candidate", "gate_run", ["product_id", "ruleset_digest"])


def _parts() -> None:
    op.create_table(
        "gate_part",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", _words("partkind", "requested", "earlier", "kept", "clean"), nullable=False),
        sa.Column("items", JSON, nullable=False),
        sa.Column("finished_at", AT, nullable=True),
        sa.Column("findings", JSON, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["gate_run.id"], name=op.f("fk_gate_part_run_id")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_gate_part")),
    )


def downgrade() -> None:
    raise NotImplementedError("the gate's reports would be lost")
