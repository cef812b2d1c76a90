"""Which changes the proof of a case waits for is written down, where times used to tell.

What is out, and was never tried on a case that is still open, is waited for: it used to be forgotten. The workers send
such a case to proof.
"""

import sqlalchemy as sa
from alembic import op

from sigreq.migrations.run import app_role

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

LAID_ASIDE = """
    UPDATE change_submission link SET is_awaited = false FROM change, submission
    WHERE change.id = link.change_id AND submission.id = link.submission_id AND CASE
        WHEN change.state IN ('drafted', 'testing', 'tested', 'gate_failed')
            THEN change.created_at < coalesce(submission.determined_at, submission.received_at)
        WHEN change.state = 'published' THEN EXISTS (
            SELECT FROM event
            WHERE event.subject_id = submission.id
                AND event.name IN ('fixed', 'proof_failed', 'still_happens', 'disputed', 'regressed')
                AND event.at >= (
                    SELECT max(came_out.at) FROM event came_out
                    WHERE came_out.subject_id = change.id AND came_out.name = 'published'))
        ELSE false END"""


def upgrade() -> None:
    op.add_column("change_submission", sa.Column("is_awaited", sa.Boolean(), nullable=False, server_default="true"))
    op.alter_column("change_submission", "is_awaited", server_default=None)
    op.execute(LAID_ASIDE)
    op.create_index(
        "ix_change_submission_awaited",
        "change_submission",
        ["submission_id"],
        postgresql_where=sa.text("is_awaited"),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT UPDATE (is_awaited) ON change_submission TO {role}")


def downgrade() -> None:
    op.drop_index("ix_change_submission_awaited", "change_submission")
    op.drop_column("change_submission", "is_awaited")
