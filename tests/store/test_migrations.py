"""The migrated database is the one that the tables describe."""

import asyncio
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from sigreq.embedded.stack import Addresses
from sigreq.tables import corpus, desk, events, extras, gates, people, releases, submissions, trust

TABLES = (corpus, desk, events, extras, gates, people, releases, submissions, trust)


def differences(url: str) -> list[Any]:
    def compare(connection: Connection) -> list[Any]:
        # SQLModel calls TEXT by a name of its own.
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, SQLModel.metadata))

    async def ask() -> list[Any]:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(compare)
        finally:
            await engine.dispose()

    return asyncio.run(ask())


def test_the_migrations_lead_to_the_tables_as_they_are_described(addresses: Addresses) -> None:
    assert TABLES
    assert differences(addresses.owner_database_url) == []
