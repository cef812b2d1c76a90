"""Hears what transactions say with NOTIFY: one connection of its own, however many channels."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from sigreq.ending import end

log = structlog.get_logger()
TRY_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class Ear:
    """What is called with each notice of a channel, and what whenever hearing begins."""

    channel: str
    on_notice: Callable[[str], None]
    on_connected: Callable[[], None]


class Listener:
    """Tells the ears what their channels say.

    Between a lost connection and the next one notices go by unheard; so may the last ones before a loss.
    """

    def __init__(self, url: str, *ears: Ear) -> None:
        self._ears = ears
        self._engine = create_async_engine(
            url,
            poolclass=NullPool,
            connect_args={"timeout": 5, "server_settings": {"application_name": "sigreq listener"}},
            hide_parameters=True,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Listen for the block."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            await end(task)

    async def run(self) -> None:
        """Listen until cancelled; a PostgreSQL that goes away is waited for."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
                log.warning("listener.lost", error=type(error).__name__)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _listen(self) -> None:
        is_lost = asyncio.Event()
        async with self._engine.connect() as connection:
            # Nothing is executed through SQLAlchemy, so no transaction begins on this connection.
            raw: Any = (await connection.get_raw_connection()).driver_connection
            raw.add_termination_listener(lambda _: is_lost.set())
            for ear in self._ears:
                await raw.add_listener(ear.channel, _hearing(ear))
            for ear in self._ears:
                ear.on_connected()
            try:
                await is_lost.wait()
            finally:
                with suppress(Exception):
                    raw.terminate()
        log.warning("listener.lost", error="ConnectionClosed")


def _hearing(ear: Ear) -> Callable[[Any, int, str, str], None]:
    return lambda _connection, _pid, _channel, notice: ear.on_notice(notice)
