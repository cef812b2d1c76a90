"""The feed tells of extras and relief, and the repository offers them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UNTOLD = "ended_at IS NOT NULL AND live_at IS NOT NULL AND end_told_at IS NULL"


def upgrade() -> None:
    _feed()
    op.add_column("extra", sa.Column("end_told_at", sa.DateTime(timezone=True), nullable=True))
    # The feed never said that they began.
    op.execute("UPDATE extra SET end_told_at = ended_at WHERE ended_at IS NOT NULL")
    op.create_index("ix_extra_end_untold", "extra", ["ended_at"], postgresql_where=sa.text(UNTOLD))
    op.alter_column("bundle_target", "version", nullable=True)
    op.add_column("bundle_target", sa.Column("extra_id", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_bundle_target_extra_id"), "bundle_target", "extra", ["extra_id"], ["id"])
    op.create_index("ix_bundle_target_extra_id", "bundle_target", ["extra_id"])


def _feed() -> None:
    op.alter_column("feed_entry", "change_id", nullable=True)
    op.add_column("feed_entry", sa.Column("extra_id", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_feed_entry_extra_id"), "feed_entry", "extra", ["extra_id"], ["id"])
    of_one = "(change_id IS NULL) <> (extra_id IS NULL)"
    op.create_check_constraint(op.f("ck_feed_entry_of_change_or_extra"), "feed_entry", of_one)


def downgrade() -> None:
    raise NotImplementedError("what the feed said of extras would be lost")
