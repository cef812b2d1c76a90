"""All local servers together: what `sigreq up`, the demo and the tests run on one machine."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from sigreq.embedded.folder import Folder
from sigreq.embedded.postgres import Postgres
from sigreq.embedded.process import Child, stop_leftovers
from sigreq.embedded.redis import Redis
from sigreq.embedded.seaweed import BUCKETS, Seaweed

ServerName = Literal["postgres", "redis", "seaweed"]

_READY_SECONDS = 60
# Within this PostgreSQL and Redis end in order; SeaweedFS is killed.
_STOP_SECONDS = 4


@dataclass(frozen=True)
class Addresses:
    """Where the servers answer; its text form shows no secret.

    `database_url` is the application's role, which may connect and nothing else until a migration grants it more;
    `owner_database_url` is the role that owns the database. Neither is a superuser.
    """

    database_url: str = field(repr=False)
    owner_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    s3_endpoint: str
    samples_access_key: str = field(repr=False)
    samples_secret_key: str = field(repr=False)
    bundles_access_key: str = field(repr=False)
    bundles_secret_key: str = field(repr=False)
    signing_passphrase: str = field(repr=False)
    samples_bucket: ClassVar[str] = BUCKETS["samples"]
    bundles_bucket: ClassVar[str] = BUCKETS["bundles"]


class Stack:
    """PostgreSQL, Redis and SeaweedFS on one data folder, which belongs to one running stack at a time."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._servers: dict[ServerName, Postgres | Redis | Seaweed] = {}
        self._children: dict[ServerName, Child] = {}
        self._undo = ExitStack()

    def start(self) -> Addresses:
        """Start all three and return when each answers; what a killed run left behind is stopped first.

        EmbeddedError: the folder is in use or not usable, or a server does not come up; then none is left running.
        """
        folder = Folder(self._data)
        self._undo.callback(folder.release)
        try:
            stop_leftovers(folder.run, _STOP_SECONDS)
            postgres, redis, seaweed = Postgres(folder), Redis(folder), Seaweed(folder)
            self._servers = {"postgres": postgres, "redis": redis, "seaweed": seaweed}
            self._undo.callback(seaweed.clean)
            self._undo.callback(self._stop_children)
            with ThreadPoolExecutor() as pool:
                list(pool.map(self.start_one, self._servers))
        except BaseException:
            self.stop()
            raise
        return Addresses(
            database_url=postgres.url("sigreq_app"),
            owner_database_url=postgres.url("sigreq_owner"),
            redis_url=redis.url,
            s3_endpoint=seaweed.endpoint,
            samples_access_key=folder.secrets["samples_access_key"],
            samples_secret_key=folder.secrets["samples_secret_key"],
            bundles_access_key=folder.secrets["bundles_access_key"],
            bundles_secret_key=folder.secrets["bundles_secret_key"],
            signing_passphrase=folder.secrets["signing"],
        )

    def stop(self) -> None:
        """Stop all, in order where that is quick, and let go of the folder; no process is left."""
        self._undo.close()

    def start_one(self, name: ServerName) -> None:
        """Start one server that is down, on the address it had."""
        server = self._servers[name]
        child = self._children[name] = Child(server.prepare())
        child.wait_until(lambda: server.is_ready(child.pid), _READY_SECONDS)

    def pid(self, name: ServerName) -> int:
        """The process id of one server."""
        return self._children[name].pid

    def kill(self, name: ServerName) -> None:
        """End one server as a crash would."""
        self._children[name].kill()

    def restart(self, name: ServerName) -> None:
        """Crash one server and start it again on the same address."""
        self.kill(name)
        self.start_one(name)

    def revive(self) -> list[ServerName]:
        """Start again what has died, and say what that was."""
        dead: list[ServerName] = [name for name, child in self._children.items() if not child.is_alive()]
        for name in dead:
            self.start_one(name)
        return dead

    def _stop_children(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda child: child.stop(_STOP_SECONDS), self._children.values()))
        self._children.clear()

    def __enter__(self) -> Addresses:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
