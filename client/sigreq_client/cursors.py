"""How far the feed was read, kept in a file that a crash leaves whole."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol


class CursorUnusable(Exception):
    """The file does not hold a cursor of this product and track. Name another file, or delete it to read all anew."""


@dataclass(frozen=True)
class Cursor:
    """The last entry that was dealt with, and its mark, by which the server knows it again. 0 is before the first."""

    after: int = 0
    mark: str | None = None


class CursorKeeper(Protocol):
    """Remembers how far the feed was read: a file, or whatever else the caller keeps with what it did about it."""

    def load(self) -> Cursor:
        """What was saved last."""

    def save(self, cursor: Cursor) -> None:
        """Everything up to this was dealt with."""


class CursorFile:
    """Keeps the cursor of one product and track. Without a path it lasts as long as the process."""

    def __init__(self, path: Path | None, product: str, track: str | None) -> None:
        self._path = path
        self._about = {"product": product, "track": track}

    def load(self) -> Cursor:
        """What was saved last; the beginning of the feed where there is no file. Raises CursorUnusable, OSError."""
        if self._path is None or not self._path.exists():
            return Cursor()
        try:
            kept = json.loads(self._path.read_text())
            cursor = Cursor(int(kept["after"]), kept["mark"])
        except (ValueError, KeyError, TypeError) as error:
            raise CursorUnusable(f"{self._path} does not hold a cursor of the feed.") from error
        if {name: kept.get(name) for name in self._about} != self._about:
            raise CursorUnusable(f"{self._path} holds a cursor of {_told(kept)}, not of {_told(self._about)}.")
        return cursor

    def save(self, cursor: Cursor) -> None:
        """Replace the file at once: a crash or a power cut leaves the old cursor or the new one."""
        if self._path is None:
            return
        folder = self._path.absolute().parent
        with NamedTemporaryFile("w", dir=folder, prefix=self._path.name, delete=False) as file:
            json.dump({**self._about, "after": cursor.after, "mark": cursor.mark}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._path)
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def keeper_of(cursor: Path | CursorKeeper | None, product: str, track: str | None) -> CursorKeeper:
    """A path, or none, as the file that it is."""
    return CursorFile(cursor, product, track) if cursor is None or isinstance(cursor, Path) else cursor


def _told(about: Mapping[str, Any]) -> str:
    return f"{about.get('product')} ({about.get('track') or 'both tracks'})"
