"""Alembic's way in: the connection is handed over by `run.py`, so no address stands in a file."""

from alembic import context
from sqlmodel import SQLModel

from sigreq.tables import events, people, releases, submissions  # noqa: F401 - fill the metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
