"""Content on its way from the store to where it is examined."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sigreq.blobs import BlobMissing, Blobs
from sigreq.domain.faults import Fault

FETCHED_AT_ONCE = 8


@dataclass(frozen=True)
class Content:
    """Where some content lies, and its SHA-256."""

    blobs: Blobs
    key: str
    sha256: str

    async def fetch(self, path: Path) -> Fault | None:
        """Write it into a new file; what is wrong with it, if anything is. Raises ServiceUnavailable."""
        try:
            with open(path, "x+b", opener=_private) as file:  # noqa: ASYNC230 - Path.open takes no opener
                found = await self.blobs.fetch(self.key, file)
        except BlobMissing:
            return Fault.SAMPLE_MISSING
        return None if found == self.sha256 else Fault.SAMPLE_CORRUPT


async def fetch_all(contents: Iterable[Content], folder: Path) -> dict[str, Fault]:
    """Write each into a file of `folder` that is called by its SHA-256; what is wrong with those that are not there.

    Raises ServiceUnavailable.
    """
    faults: dict[str, Fault] = {}
    places = asyncio.Semaphore(FETCHED_AT_ONCE)

    async def fetch(content: Content) -> None:
        async with places:
            fault = await content.fetch(folder / content.sha256)
            if fault is not None:
                faults[content.sha256] = fault

    async with asyncio.TaskGroup() as group:
        for content in contents:
            group.create_task(fetch(content))
    return faults


def _private(path: str, flags: int) -> int:
    """Samples are live malware: for our eyes only, and never executable."""
    return os.open(path, flags, 0o600)
