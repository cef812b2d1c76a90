"""The data folder and the socket folder: what they refuse."""

import json
from pathlib import Path

import pytest

from sigreq.embedded.folder import Folder
from sigreq.embedded.process import EmbeddedError


@pytest.fixture(autouse=True)
def _sockets(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))


def test_a_folder_with_foreign_files_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    tmp_path.chmod(0o755)
    with pytest.raises(EmbeddedError, match="not empty"):
        Folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_empty_folder_is_taken_and_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = Folder(tmp_path)
    modes = [path.stat().st_mode & 0o777 for path in (folder.path, folder.sockets)]
    folder.release()
    assert modes == [0o700, 0o700]
    assert not folder.sockets.exists()


def test_secrets_stay_the_same_and_differ_from_another_folders(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "one", "two"):
        folder = Folder(tmp_path / name)
        seen.append(folder.secrets)
        folder.release()
    assert seen[0] == seen[1]
    assert not set(seen[0].values()) & set(seen[2].values())
    assert len(set(seen[0].values())) == len(seen[0])


def test_data_without_their_secrets_are_refused_and_no_new_secrets_are_made(tmp_path: Path) -> None:
    Folder(tmp_path).release()
    (tmp_path / "secrets.json").unlink()
    (tmp_path / "postgres").mkdir()
    with pytest.raises(EmbeddedError, match=r"secrets\.json is gone"):
        Folder(tmp_path)
    assert not (tmp_path / "secrets.json").exists()


def test_a_socket_folder_that_others_can_enter_or_that_is_a_link_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.release()
    folder.sockets.mkdir()
    folder.sockets.chmod(0o755)
    with pytest.raises(EmbeddedError, match="only you can enter"):
        Folder(tmp_path / "data")
    folder.sockets.rmdir()
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    folder.sockets.symlink_to(target)
    with pytest.raises(EmbeddedError, match="only you can enter"):
        Folder(tmp_path / "data")


def test_a_socket_folder_with_too_long_a_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("deep" * 20)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with pytest.raises(EmbeddedError, match="too long"):
        Folder(tmp_path / "data")


def test_a_refused_folder_can_be_taken_afterwards(tmp_path: Path) -> None:
    Folder(tmp_path).release()
    secrets = (tmp_path / "secrets.json").read_text()
    (tmp_path / "secrets.json").write_text("broken")
    with pytest.raises(json.JSONDecodeError):
        Folder(tmp_path)
    (tmp_path / "secrets.json").write_text(secrets)
    Folder(tmp_path).release()
