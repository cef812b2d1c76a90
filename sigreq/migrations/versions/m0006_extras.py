"""Open submissions are found by the version they were made under."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_submission_open_under",
        "submission",
        ["product_id", "database_version"],
        postgresql_where=sa.text("state <> 'closed'"),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way back")
