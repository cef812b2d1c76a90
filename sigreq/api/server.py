"""The API's process."""

import socket

import structlog
import uvicorn

from sigreq.api.app import create_app
from sigreq.settings import Settings

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Says when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("api.started", host=self.config.host, port=self.config.port)


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way get 10 seconds then."""
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    _Server(config).run()
