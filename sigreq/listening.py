"""Hears what transactions say with NOTIFY, on one connection of its own."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

log = structlog.get_logger()
TRY_AGAIN_SECONDS = 0.5


class Listener:
    """Calls `on_notice` with each notice of a channel, and `on_connected` whenever it begins to hear.

    Between a lost connection and the next one notices go by unheard; so may the last ones before a loss.
    """

    def __init__(
        self, url: str, channel: str, on_notice: Callable[[str], None], on_connected: Callable[[], None]
    ) -> None:
        self._channel = channel
        self._on_notice = on_notice
        self._on_connected = on_connected
        self._engine = create_async_engine(
            url,
            poolclass=NullPool,
            connect_args={"timeout": 5, "server_settings": {"application_name": "sigreq listener"}},
            hide_parameters=True,
        )

    async def run(self) -> None:
        """Listen until cancelled; a PostgreSQL that goes away is waited for."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
                log.warning("listener.lost", channel=self._channel, error=type(error).__name__)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _listen(self) -> None:
        is_lost = asyncio.Event()
        async with self._engine.connect() as connection:
            # Nothing is executed through SQLAlchemy, so no transaction begins on this connection.
            raw: Any = (await connection.get_raw_connection()).driver_connection
            raw.add_termination_listener(lambda _: is_lost.set())
            await raw.add_listener(self._channel, lambda _connection, _pid, _channel, notice: self._on_notice(notice))
            self._on_connected()
            try:
                await is_lost.wait()
            finally:
                with suppress(Exception):
                    raw.terminate()
        log.warning("listener.lost", channel=self._channel, error="ConnectionClosed")
