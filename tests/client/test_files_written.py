"""Files that commands write: whole, or as they were."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.client.server import Answer, Scripted
from tests.client.test_commands import run

ROOM = 1 << 16
COMMANDS = {
    "evidence": (["evidence", "SR-1", "--out"], "GET /v1/submissions/SR-1/evidence", Answer({"payload": "A" * ROOM})),
    "sample": (
        ["decide", "sample", "SR-1", "aa", "--reason", "to look", "--output"],
        "GET /v1/submissions/SR-1/samples/aa",
        Answer(content=b"PK" * ROOM),
    ),
}


@contextmanager
def little_room() -> Iterator[None]:
    """No file of this process can grow beyond `ROOM`, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_write_that_breaks_off_leaves_what_was_there_and_nothing_else(
    server: Scripted, tmp_path: Path, name: str
) -> None:
    command, address, answer = COMMANDS[name]
    goal = tmp_path / "goal"
    goal.write_text("as it was")
    server.on(address, answer)
    with little_room():
        broken = run(server, *command, str(goal))
    assert (broken.exit_code, "File too large" in broken.stderr) == (1, True)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("goal", "as it was")]
    assert run(server, *command, str(goal)).exit_code == 0
    assert [(each.name, each.stat().st_size > ROOM) for each in tmp_path.iterdir()] == [("goal", True)]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_link_that_a_person_names_is_written_through(server: Scripted, tmp_path: Path, name: str) -> None:
    command, address, answer = COMMANDS[name]
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "kept")
    server.on(address, answer)
    assert run(server, *command, str(link)).exit_code == 0
    assert (link.is_symlink(), link.stat().st_size > ROOM) == (True, True)
