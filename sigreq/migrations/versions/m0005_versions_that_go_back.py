"""Which earlier version one goes back to, the bundles of each version, and when trains depart."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sigreq.migrations.run import app_role

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.add_column("release", sa.Column("rolls_back_to", sa.Text(), nullable=True))
    # Versions of before have no bundles: their rules are read as they were.
    op.add_column("release", sa.Column("bundles", JSON, nullable=False, server_default=sa.text("'[]'")))
    op.alter_column("release", "bundles", server_default=None)
    op.create_table(
        "train_schedule",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("days", JSON, nullable=False),
        sa.Column("times", JSON, nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_train_schedule_product_id")),
        sa.ForeignKeyConstraint(["set_by"], ["person.id"], name=op.f("fk_train_schedule_set_by")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_train_schedule")),
    )
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON train_schedule TO {role}")


def downgrade() -> None:
    raise NotImplementedError("it would be lost which versions go back to an earlier one")
