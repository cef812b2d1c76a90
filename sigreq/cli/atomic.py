"""Files that are replaced at once, so that a crash leaves the old one or the new one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

FOR_ALL = 0o644


@contextmanager
def draft_of(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A file beside the path, to be written in the block, that takes its place, whole and on the disk, at its end.

    What was there stays if the block or the disk fails, and nothing else is left. Raises OSError.
    """
    with NamedTemporaryFile("wb", dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        draft = Path(file.name)
        try:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink()
            raise


@contextmanager
def draft_of_output(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """The same for a path that a person chose. A link or a device is no file to be replaced: it is written to."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        with path.open("wb") as file:
            yield file
    else:
        with draft_of(path, mode=mode) as file:
            yield file


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Have this content, and no other, stand under the path; it is on the disk before it does. Raises OSError."""
    with draft_of(path, mode=mode) as file:
        file.write(content)


def write_for_all(path: Path, content: bytes) -> None:
    """The same for an output that everybody may read. Raises OSError."""
    with draft_of_output(path, mode=FOR_ALL) as file:
        file.write(content)
