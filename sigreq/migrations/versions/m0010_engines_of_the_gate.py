"""Which engines a run of the gate tried."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now there was one engine.
    column = sa.Column(
        "targets", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default=sa.text("""'["yara"]'""")
    )
    op.add_column("gate_run", column)
    op.alter_column("gate_run", "targets", server_default=None)


def downgrade() -> None:
    raise NotImplementedError("what a pass was given for would be lost")
