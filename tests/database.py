"""A look into a service's database, for what no answer over HTTP shows, and a hand in it for what none moves."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from sigreq.blobs import Blobs
from sigreq.embedded.service import Service
from sigreq.settings import Settings
from tests.world import wait_for


def rows(service: Service, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a statement finds."""

    async def ask() -> list[tuple[Any, ...]]:
        engine = create_async_engine(service.env["SIGREQ_DATABASE__URL"])
        try:
            async with engine.connect() as connection:
                return [tuple(row) for row in await connection.execute(text(statement), values)]
        finally:
            await engine.dispose()

    return asyncio.run(ask())


def one(service: Service, statement: str, **values: Any) -> Any:
    """The only value of the only row."""
    ((value,),) = rows(service, statement, **values)
    return value


def corpus_object(service: Service, key: str, content: bytes) -> None:
    """Put an object into the bundles' bucket, as somebody would with a tool of their own."""
    settings = Settings.model_validate(
        {
            "database": {"url": service.env["SIGREQ_DATABASE__URL"]},
            "redis": {"url": service.env["SIGREQ_REDIS__URL"]},
            "s3": {
                "endpoint": service.env["SIGREQ_S3__ENDPOINT"],
                **{
                    name: {
                        "name": service.env[f"SIGREQ_S3__{name.upper()}__NAME"],
                        "access_key": service.env[f"SIGREQ_S3__{name.upper()}__ACCESS_KEY"],
                        "secret_key": service.env[f"SIGREQ_S3__{name.upper()}__SECRET_KEY"],
                    }
                    for name in ("samples", "bundles")
                },
            },
        }
    )
    bundles = Blobs(settings.s3, settings.s3.bundles)
    asyncio.run(bundles.put_bytes(key, content, hashlib.sha256(content).hexdigest()))


def write(service: Service, statement: str, **values: Any) -> None:
    """Change what no request can change, such as a time."""

    async def do() -> None:
        engine = create_async_engine(service.env["SIGREQ_DATABASE__URL"])
        try:
            async with engine.begin() as connection:
                await connection.execute(text(statement), values)
        finally:
            await engine.dispose()

    asyncio.run(do())


def open_transactions(service: Service) -> int:
    """How many of the application's connections are inside a transaction and wait for the application.

    Those of the last half second are left out: the workers look into the database all the time. On a busy machine
    even one of theirs can be older for a moment, so wait for none.
    """
    found: int = one(
        service,
        "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user"
        " AND state LIKE 'idle in trans%' AND xact_start < clock_timestamp() - interval '0.5 s'",
    )
    return found


def waiting_for_locks(service: Service) -> int:
    """How many of the application's connections wait for a lock."""
    found: int = one(
        service, "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'"
    )
    return found


@contextmanager
def locked(service: Service, statement: str, **values: Any) -> Iterator[Callable[[int], None]]:
    """Hold the locks that a statement takes; what is given waits until so many others wait for a lock."""
    held, release = Event(), Event()

    async def hold() -> None:
        engine = create_async_engine(service.env["SIGREQ_DATABASE__URL"])
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement), values)
                held.set()
                await asyncio.to_thread(release.wait)
        finally:
            await engine.dispose()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(asyncio.run, hold())
        try:
            wait_for(held.is_set, lambda is_held: is_held or holding.done())
            yield lambda count: wait_for(lambda: waiting_for_locks(service), lambda found: found >= count)
        finally:
            release.set()
        with suppress(DBAPIError):  # the server may have been killed under it
            holding.result()
