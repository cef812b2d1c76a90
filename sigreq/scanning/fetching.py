"""Content on its way from the store to where it is examined."""

import os
from dataclasses import dataclass
from pathlib import Path

from sigreq.blobs import BlobMissing, Blobs
from sigreq.domain.faults import Fault


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


def _private(path: str, flags: int) -> int:
    """Samples are live malware: for our eyes only, and never executable."""
    return os.open(path, flags, 0o600)
