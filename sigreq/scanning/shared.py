"""Files that are dear to make, shared by the workers of one machine. Each has them under a name of its own."""

import os
import stat
from contextlib import suppress
from pathlib import Path


class SharedFiles:
    """A folder in which whole files lie that nobody changes, the last ones that were left or taken.

    Where the folder may be another user's, or cannot hold links, nothing is shared: each makes what it needs.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    def take(self, name: str, path: Path) -> bool:
        """Have the file of this name at `path`, if it is here. It stays there when it is not kept here any more."""
        if not self._is_ours():
            return False
        try:
            os.link(self._folder / name, path)
            os.utime(path)
        except OSError:
            return False
        return True

    def leave(self, name: str, path: Path) -> None:
        """Leave a file for others. Whoever has it may remove it under its own name, and must not write to it."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_ours():
                _keep_content(path)
                os.link(path, self._folder / name)
                self._forget_old()

    def _is_ours(self) -> bool:
        """Rules from a stranger must not be loaded; the folder for all work may lie where everybody writes."""
        try:
            found = self._folder.lstat()
        except OSError:
            return False
        is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        return is_private and found.st_uid == os.getuid()

    def _forget_old(self) -> None:
        for path in sorted(self._folder.iterdir(), key=_changed_at, reverse=True)[self._most :]:
            path.unlink(missing_ok=True)


def _changed_at(path: Path) -> float:
    """Zero where another has just removed it."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0


def _keep_content(path: Path) -> None:
    """A name that outlives a power failure, while the content does not, would pass for a whole file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
