"""Where a sample's bytes wait between the network and the store: hashed in one pass, in constant memory."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from sigreq.domain.submission import SampleFacts


@dataclass(frozen=True)
class SpooledSample:
    """A whole sample: its facts, and its bytes in a file without a name."""

    facts: SampleFacts
    file: BinaryIO


_CHUNK = 1024 * 1024


class Spool:
    """Takes files one after the other. The files have no name on disk, so not even kill -9 leaves one behind."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._files: list[BinaryIO] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def begin(self, name: str) -> "Writing":
        """Start the next file."""
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed with the spool
        self._files.append(file)
        return Writing(name, file)


class Writing:
    """One file on its way in."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self._file = file
        self._pass = _Pass()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._pass.size

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._pass.take(chunk)
        self._file.write(chunk)

    def end(self) -> SpooledSample:
        """The file is whole."""
        self._file.flush()
        return SpooledSample(self._pass.facts(self.name), self._file)


class _Pass:
    """One pass over a file's bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._hashes = (hashlib.sha256(), hashlib.sha1(usedforsecurity=False), hashlib.md5(usedforsecurity=False))

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        for each in self._hashes:
            each.update(chunk)

    def facts(self, name: str) -> SampleFacts:
        sha256, sha1, md5 = (each.hexdigest() for each in self._hashes)
        return SampleFacts(name, self.size, sha256, sha1, md5)


def facts_of(name: str, file: BinaryIO) -> SampleFacts:
    """The facts of a file, read to its end."""
    known = _Pass()
    while chunk := file.read(_CHUNK):
        known.take(chunk)
    return known.facts(name)
