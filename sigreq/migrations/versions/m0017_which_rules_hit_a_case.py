"""Which rules hit the files of a case when it was screened, one row for each pair."""

import sqlalchemy as sa
from alembic import op

from sigreq.migrations.run import app_role

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The two rounds of screening; what a change would do or did is no part of it.
KNOWN = """
    INSERT INTO rule_hit (submission_id, rule)
    SELECT DISTINCT scan.submission_id, hit.rule
    FROM scan, jsonb_array_elements_text(scan.detections) AS hit(rule)
    WHERE scan.purpose IN ('claimed', 'newest')"""


def upgrade() -> None:
    op.create_table(
        "rule_hit",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_rule_hit_submission_id")),
        sa.PrimaryKeyConstraint("submission_id", "rule", name=op.f("pk_rule_hit")),
    )
    op.execute(KNOWN)
    op.create_index("ix_rule_hit_rule", "rule_hit", ["rule", "submission_id"])
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT ON rule_hit TO {role}")


def downgrade() -> None:
    op.drop_table("rule_hit")  # the scans say the same
