"""Files on their way out: read piece by piece, the description of the claim before the first of them."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2

File = Path | tuple[str, IO[bytes]]
"""A file on disk, or a name with a seekable binary file, which is sent from its start and left open."""

Progress = Callable[[int, int], None]
"""Is told the bytes sent so far, and how many there are. Starts over when a request is repeated."""

Parts = list[tuple[str, tuple[str | None, IO[bytes] | bytes, str]]]


@dataclass(frozen=True)
class Upload:
    """A submission's fields and files; without fields only files."""

    fields: Mapping[str, Any] | None
    files: Sequence[File]
    on_progress: Progress | None

    @contextmanager
    def parts(self) -> Iterator[Parts]:
        """The parts of the request body, in the order the server wants. Raises OSError for a missing file."""
        with ExitStack() as opened:
            parts: Parts = []
            if self.fields is not None:
                parts.append(("submission", (None, json.dumps(self.fields).encode(), "application/json")))
            for file in self.files:
                name, content = (file.name, opened.enter_context(file.open("rb"))) if isinstance(file, Path) else file
                # Never a guessed type: a sample is bytes, whatever its name says.
                parts.append(("file", (name, content, "application/octet-stream")))
            yield parts


class Watched(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A request body that reports each piece once it is taken."""

    def __init__(self, body: httpx2.SyncByteStream, total: int, on_progress: Progress) -> None:
        self._body = body
        self._total = total
        self._on_progress = on_progress

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        for piece in self._body:
            yield piece
            sent += len(piece)
            self._on_progress(sent, self._total)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece
