"""Brings a database to the newest schema, as its owner."""

import asyncio
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine


def upgrade(owner_url: str, app_url: str, revision: str = "head") -> None:
    """Apply what is missing, all in one transaction; nothing to do is no error.

    The role of `app_url`, which must exist and own nothing, is granted what the application needs.
    """
    asyncio.run(_upgrade(owner_url, str(make_url(app_url).username), revision))


async def _upgrade(owner_url: str, app_role: str, revision: str) -> None:
    engine = create_async_engine(owner_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_apply, app_role, revision)
    finally:
        await engine.dispose()


def app_role() -> str:
    """The role that a migration grants to; only while one is applied."""
    config = op.get_context().config
    assert config is not None  # noqa: S101 - `_apply` made it
    return str(config.attributes["app_role"])


def _apply(connection: Connection, app_role: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    config.attributes["app_role"] = app_role
    command.upgrade(config, revision)
