"""How many cases of a product were solved: a number that a case gives up when it reopens is not given again."""

import sqlalchemy as sa
from alembic import op

from sigreq.migrations.run import app_role

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

# What a run has seen was given once, also when no case has it any more.
GIVEN = """
    UPDATE product SET newest_solved = greatest(
        (SELECT coalesce(max(solved_number), 0) FROM submission WHERE product_id = product.id),
        (SELECT coalesce(max(seen_solved), 0) FROM gate_run WHERE product_id = product.id))"""


def upgrade() -> None:
    op.add_column("product", sa.Column("newest_solved", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("product", "newest_solved", server_default=None)
    op.execute(GIVEN)
    role = '"' + app_role().replace('"', '""') + '"'
    op.execute(f"GRANT UPDATE (newest_solved) ON product TO {role}")


def downgrade() -> None:
    raise NotImplementedError("numbers would be given twice")
