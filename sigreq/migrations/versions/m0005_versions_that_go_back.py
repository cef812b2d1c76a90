"""What a published version says of itself: which earlier one it goes back to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("release", sa.Column("rolls_back_to", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("it would be lost which versions go back to an earlier one")
