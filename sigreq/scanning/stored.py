"""Scans samples as they lie in the store, with rules as they lie in the store."""

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sigreq.blobs import BlobMissing, Blobs, ruleset_key, sample_key
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import SampleFacts
from sigreq.domain.verdict import ScanResult
from sigreq.scanning.scanner import Scanner

KEPT_RULESETS = 8
Results = list[tuple[SampleFacts, ScanResult]]


class RulesetCorrupt(Exception):
    """The stored rules are not what their digest says; nothing may be concluded with them."""


class Rulesets:
    """Published rules by digest, verified, the last few kept in memory."""

    def __init__(self, bundles: Blobs) -> None:
        self._bundles = bundles
        self._kept: OrderedDict[str, Ruleset] = OrderedDict()

    async def load(self, digest: str) -> Ruleset:
        """The rules with this digest. Raises BlobMissing, RulesetCorrupt, ServiceUnavailable."""
        if digest not in self._kept:
            ruleset = Ruleset.from_document(await self._bundles.get_bytes(ruleset_key(digest)))
            if ruleset.digest != digest:
                raise RulesetCorrupt(digest)
            self._kept[digest] = ruleset
            if len(self._kept) > KEPT_RULESETS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(digest)
        return self._kept[digest]


@dataclass(frozen=True)
class StoredSamples:
    """Fetches each sample once, into a folder of its own that goes away again, and scans it with each ruleset."""

    samples: Blobs
    scanner: Scanner
    work_dir: Path

    async def scan(
        self,
        organisation_id: str,
        samples: Sequence[SampleFacts],
        rulesets: Mapping[str, Ruleset],
        password: str | None,
    ) -> dict[str, Results]:
        """Results by the rulesets' names. A sample missing in the store is `not_scanned`. Raises ServiceUnavailable."""
        results: dict[str, Results] = {name: [] for name in rulesets}
        self.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.work_dir, prefix="samples-") as folder:
            for number, facts in enumerate(samples):
                path = Path(folder) / str(number)
                fault = await self._fetch(organisation_id, facts, path)
                for name, ruleset in rulesets.items():
                    result = fault or await self.scanner.scan(ruleset, path, facts, password=password)
                    results[name].append((facts, result))
                path.unlink(missing_ok=True)
        return results

    async def _fetch(self, organisation_id: str, facts: SampleFacts, path: Path) -> ScanResult | None:
        """Bring the sample into a file; what is wrong with it, if anything."""
        try:
            with open(path, "x+b", opener=_private) as file:  # noqa: ASYNC230 - Path.open takes no opener
                await self.samples.fetch(sample_key(organisation_id, facts.sha256), file)
                file.seek(0)
                found = await asyncio.to_thread(hashlib.file_digest, file, "sha256")
        except BlobMissing:
            return ScanResult.not_scanned("sample_missing")
        return None if found.hexdigest() == facts.sha256 else ScanResult.not_scanned("sample_corrupt")


def _private(path: str, flags: int) -> int:
    """Samples are live malware: for our eyes only, and never executable."""
    return os.open(path, flags, 0o600)
