"""Parts that are forked from one process, and the same parts started by their command lines."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import psutil
import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.process import Child, Program, still_alive
from sigreq.embedded.service import Service
from sigreq_client.certificates import trusted
from tests.world import wait_for

GUARD_SECONDS = 60


def started(fork_server: ForkServer, folder: Path, *arguments: str, **env: str) -> Child:
    return Child(Program("part", arguments, folder / "run", folder / "log", env), fork_server.spawn)


def test_a_part_is_what_its_command_line_says_with_the_environment_given_and_a_session_of_its_own(
    service: Service,
) -> None:
    api = psutil.Process(service.pid("api"))
    assert (api.name(), os.getsid(api.pid), api.cwd()) == ("api", api.pid, "/")
    assert psutil.Process(service.pid("worker-standard")).name() == "worker-standard"
    files = [Path(f"/proc/{api.pid}/fd/{number}").resolve() for number in range(3)]
    assert files == [Path(os.devnull), *[service.data / "logs" / "api.log"] * 2]


def test_a_part_sees_none_of_the_settings_around_it(
    fork_server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGREQ_WORK_DIR", "/around")
    part = started(fork_server, tmp_path, "worker", "standard", SIGREQ_REDIS__URL="redis://given")
    wait_for(part.is_alive, lambda alive: not alive)
    said = (tmp_path / "log").read_text()
    assert "SIGREQ_DATABASE" in said
    assert "SIGREQ_REDIS" not in said


def test_a_part_that_has_ended_is_gone_and_leaves_no_record_once_stopped(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    parts = [started(fork_server, tmp_path / name, "--help") for name in ("one", "two")]
    for part in parts:
        wait_for(part.is_alive, lambda alive: not alive)
        part.stop(GUARD_SECONDS)
    assert not any(psutil.pid_exists(part.pid) for part in parts)
    assert not list(tmp_path.glob("*/run/*"))
    assert (tmp_path / "one" / "log").read_text().startswith("Usage: sigreq")


# A process that has a part forked for each line that it is given, and then waits to be killed.
_OWNER = """\
import json, sys
from pathlib import Path
from sigreq.embedded.forking import ForkServer
from sigreq.embedded.process import Child, Program
fork_server = ForkServer()
for line in sys.stdin:
    name, folder, port, env = json.loads(line)
    program = Program(name, ["serve", "--port", port], Path(folder), Path(folder, name), env)
    print(Child(program, fork_server.spawn).pid, flush=True)
"""


def test_parts_die_with_what_forked_them_which_the_next_part_brings_up_anew_and_all_with_who_asked(
    service: Service, tmp_path: Path
) -> None:
    def forked(name: str) -> tuple[psutil.Process, psutil.Process]:
        assert owner.stdin is not None
        assert owner.stdout is not None
        owner.stdin.write(json.dumps([name, str(tmp_path), _free_port(), service.env]) + "\n")
        owner.stdin.flush()
        part = psutil.Process(int(owner.stdout.readline()))
        wait_for((tmp_path / name).read_text, lambda said: "api.started" in said)
        server = part.parent()
        assert server is not None
        return server, part

    argv, pipe = [sys.executable, "-c", _OWNER], subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as owner:
        server, part = forked("first")
        server.kill()
        assert still_alive([server, part], GUARD_SECONDS) == []
        another, part = forked("second")
        assert another != server
        owner.kill()
        assert still_alive([another, part], GUARD_SECONDS) == []


@pytest.mark.parametrize("part", [["serve"], ["worker", "standard"]], ids=["api", "worker"])
def test_each_part_can_be_started_by_its_command_line_too(service: Service, tmp_path: Path, part: list[str]) -> None:
    port = ["--port", _free_port()] if part == ["serve"] else []
    argv, log = [sys.executable, "-m", "sigreq", *part, *port], tmp_path / "log"
    env = {**service.env, "SIGREQ_WORK_DIR": str(tmp_path)}
    with log.open("w") as out, subprocess.Popen(argv, env=env, stdout=out, stderr=out) as process:
        wait_for(log.read_text, lambda said: '.started"' in said)
        if port:
            answer = httpx2.get(f"http://127.0.0.1:{port[1]}/health/live", trust_env=False, verify=trusted())
            assert answer.json() == {"status": "alive"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(GUARD_SECONDS) in {0, -signal.SIGTERM}
    assert {json.loads(line)["level"] for line in log.read_text().splitlines()} == {"info"}


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])
