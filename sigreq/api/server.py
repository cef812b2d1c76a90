"""The API's process."""

import socket

import structlog
import uvicorn
from litestar import Litestar

from sigreq.api.app import create_app
from sigreq.settings import Settings

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Says when it listens, and ends what waits before it waits for the requests under way."""

    def __init__(self, config: uvicorn.Config, app: Litestar) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("api.started", host=self.config.host, port=self.config.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.services.feed.close()
        self._app.state.services.streams.close()
        await super().shutdown(sockets)


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way get 10 seconds then."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    _Server(config, app).run()
