"""Workers may drop jobs that are done long ago. That the others stay is the service's matter, as all of them are."""

from alembic import op

from sigreq.migrations.run import app_role

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def _role() -> str:
    return '"' + app_role().replace('"', '""') + '"'


def upgrade() -> None:
    op.execute(f"GRANT DELETE ON job TO {_role()}")


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON job FROM {_role()}")
