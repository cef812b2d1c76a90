"""What a key is for, what a receiver answered, and an organisation's deliveries, newest first."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("title", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("answer", sa.Text(), nullable=True))
    # Until now it was only kept that a delivery was taken, or why it was not.
    op.execute(
        "UPDATE job SET answer = 'HTTP 2xx' "
        "WHERE name = 'webhook.deliver' AND done_at IS NOT NULL AND last_error IS NULL"
    )
    op.create_index(
        "ix_job_delivery",
        "job",
        [sa.text("(args ->> 'organisation_id')"), sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("name = 'webhook.deliver'"),
    )


def downgrade() -> None:
    raise NotImplementedError("what receivers answered would be lost")
