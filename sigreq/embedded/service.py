"""All of sigreq on one machine: the servers, the API and a worker for each track, kept running together."""

import os
import random
import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Literal, Self, get_args

import httpx2

from sigreq.domain.submission import Track
from sigreq.embedded.forking import ForkServer, machine
from sigreq.embedded.process import Child, EmbeddedError, Program, tail, write_private
from sigreq.embedded.signing import development_keys
from sigreq.embedded.stack import Addresses, ServerName, Stack
from sigreq.migrations.run import upgrade
from sigreq_client.certificates import trusted

PartName = Literal["api", "worker-expedited", "worker-standard"]
READY_SECONDS = 60
STOP_SECONDS = 12


class Service:
    """Starts everything on one data folder and address, and starts again what dies.

    Settings of the surrounding environment (SIGREQ_...) count, and `env` before them; those that follow from the
    local servers cannot be changed.
    """

    def __init__(
        self,
        data: Path,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        env: Mapping[str, str] | None = None,
        fork_server: ForkServer | None = None,
    ) -> None:
        """Without a `fork_server`, which may be that of several, it has one of its own."""
        self.data = data.resolve()
        self._host = host
        self._asked_port = port
        self._extra = dict(env or {})
        self._stack = Stack(self.data)
        self._lent, self._own = fork_server, ExitStack()
        self._fork_server: ForkServer | None = None
        self._parts: dict[PartName, Child] = {}
        self.env: dict[str, str] = {}
        self.url = ""

    def start(self) -> None:
        """Return when the service says that it is ready. Raises EmbeddedError; then nothing is left running."""
        # First, because it has much to import, and meanwhile the servers get ready.
        self._fork_server = self._lent or self._own.enter_context(ForkServer())
        try:
            addresses = self._stack.start()
            upgrade(addresses.owner_database_url, addresses.database_url)
            development_keys(addresses.database_url, self.data, addresses.signing_passphrase)
            port = _free_port(self.data / "port", self._host, self._asked_port)
            self.url = f"http://{self._host}:{port}"
            around = {name: value for name, value in os.environ.items() if re.match("SIGREQ_[A-Z0-9]+__", name)}
            self.env = {**around, **self._extra, **_settings(addresses, self.data)}
            for name in get_args(PartName):
                self.start_part(name)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all in order; no process is left, the data stays."""
        if self._parts:
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda child: child.stop(STOP_SECONDS), self._parts.values()))
        self._parts.clear()
        self._own.close()
        self._stack.stop()

    def start_part(self, name: PartName) -> None:
        """Start one of our own processes that is down."""
        _, _, port = self.url.rpartition(":")
        serve = ["serve", "--host", self._host, "--port", port]
        arguments = serve if name == "api" else ["worker", name.removeprefix("worker-")]
        run, log = self.data / "run", self.data / "logs" / f"{name}.log"
        assert self._fork_server is not None  # noqa: S101 -- since `start`
        self._parts[name] = Child(Program(name, arguments, run, log, self.env), self._fork_server.spawn)

    def kill(self, name: PartName | ServerName) -> None:
        """End one process as a crash would: for fault tests."""
        if name in self._parts:
            self._parts[name].kill()
        else:
            self._stack.kill(name)  # type: ignore[arg-type] # what is not ours is a server

    def pid(self, name: PartName | ServerName) -> int:
        """The process id of one of our own processes, or of a server."""
        if name in self._parts:
            return self._parts[name].pid
        return self._stack.pid(name)  # type: ignore[arg-type] # what is not ours is a server

    def revive(self) -> list[str]:
        """Start whatever has died, and say what that was."""
        dead: list[str] = list(self._stack.revive())
        for name, child in list(self._parts.items()):
            if not child.is_alive():
                self.start_part(name)
                dead.append(name)
        return dead

    def _wait_until_ready(self) -> None:
        deadline = monotonic() + READY_SECONDS
        while True:
            with suppress(httpx2.HTTPError):
                found = httpx2.get(f"{self.url}/health/ready", trust_env=False, verify=trusted())
                if found.status_code == httpx2.codes.OK and len(found.json()["workers"]) == len(Track):
                    return
            for name, child in self._parts.items():
                if not child.is_alive():
                    raise EmbeddedError(f"{name} ended; its log ends:\n{tail(self.data / 'logs' / f'{name}.log')}")
            if monotonic() > deadline:
                raise EmbeddedError(f"the API is not ready after {READY_SECONDS} s; see {self.data / 'logs'}")
            sleep(0.05)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _settings(addresses: Addresses, data: Path) -> dict[str, str]:
    """The environment of our own processes: settings, and the little that Python wants."""
    work = data / "work"
    work.mkdir(mode=0o700, exist_ok=True)
    return {
        **machine(),
        "TMPDIR": str(work),
        "SIGREQ_DATABASE__URL": addresses.database_url,
        "SIGREQ_REDIS__URL": addresses.redis_url,
        "SIGREQ_S3__ENDPOINT": addresses.s3_endpoint,
        "SIGREQ_S3__SAMPLES__NAME": addresses.samples_bucket,
        "SIGREQ_S3__SAMPLES__ACCESS_KEY": addresses.samples_access_key,
        "SIGREQ_S3__SAMPLES__SECRET_KEY": addresses.samples_secret_key,
        "SIGREQ_S3__BUNDLES__NAME": addresses.bundles_bucket,
        "SIGREQ_S3__BUNDLES__ACCESS_KEY": addresses.bundles_access_key,
        "SIGREQ_S3__BUNDLES__SECRET_KEY": addresses.bundles_secret_key,
        "SIGREQ_TRUST__PASSPHRASE": addresses.signing_passphrase,
        "SIGREQ_WORK_DIR": str(work),
    }


def _free_port(kept: Path, host: str, asked: int | None) -> int:
    """The port that was asked for, or that of the last start while it is free, else another one, kept for the next.

    Below 32768, where the kernel takes no ports for outgoing connections. Raises EmbeddedError.
    """
    if asked is not None:
        if _is_free(host, asked):
            return asked
        raise EmbeddedError(f"port {asked} on {host} is taken: name another, or stop what listens there")
    before = [int(kept.read_text())] if kept.exists() else []
    for port in [*before, *random.sample(range(20000, 32768), 50)]:
        if _is_free(host, port):
            write_private(kept, str(port))
            return port
    raise EmbeddedError(f"no port can be had on {host}")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
