"""Scans many stored contents with one ruleset, as they are: what they hold is theirs to list."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from sigreq.domain.examination import ALLOWED, with_hash
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.fetching import Content
from sigreq.scanning.scanner import Scanner

# A child is asked for so many in one go; then others get its place.
IN_A_ROW = 16
FETCHED_AT_ONCE = 8
CLEAN = ScanResult(Outcome.CLEAN)


@dataclass(frozen=True)
class Sweep:
    """Fetches contents into a folder of its own, and scans them in the scanner's children."""

    scanner: Scanner
    work_dir: Path

    async def scan(self, contents: Sequence[Content], ruleset: Ruleset) -> Mapping[str, ScanResult]:
        """What the ruleset says of each, by SHA-256. Raises ServiceUnavailable.

        Everything that is wrong with a content is in its result. What is allowed, and what no rule could hit, is not
        even fetched.
        """
        results = {each.sha256: ALLOWED for each in contents if each.sha256 in ruleset.allowed}
        wanted = {each.sha256: each for each in contents if each.sha256 not in results}
        if ruleset.in_force:
            self.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self.work_dir, prefix="sweep-") as name:
                found = await self._scanned(Path(name), list(wanted.values()), ruleset)
        else:
            found = dict.fromkeys(wanted, CLEAN)
        return results | {sha256: with_hash(ruleset, sha256, result) for sha256, result in found.items()}

    async def _scanned(self, folder: Path, contents: Sequence[Content], ruleset: Ruleset) -> dict[str, ScanResult]:
        found: dict[str, ScanResult] = {}
        here: list[Path] = []
        places = asyncio.Semaphore(FETCHED_AT_ONCE)

        async def fetch(content: Content) -> None:
            async with places:
                path = folder / content.sha256
                fault = await content.fetch(path)
                if fault is None:
                    here.append(path)
                else:
                    found[content.sha256] = ScanResult.not_scanned(fault)

        async with asyncio.TaskGroup() as group:
            for content in contents:
                group.create_task(fetch(content))
        async with asyncio.TaskGroup() as group:
            scans = [group.create_task(self._in_a_row(paths, ruleset)) for paths in _in_groups(here)]
        for scan in scans:
            found |= scan.result()
        return found

    async def _in_a_row(self, paths: Sequence[Path], ruleset: Ruleset) -> dict[str, ScanResult]:
        """Have one child go through these without waiting for us in between."""
        async with self.scanner.place() as place:
            samples = [path.replace(place.folder / path.name) for path in paths]
            for sample in samples:
                await place.begin(sample, [ruleset], passwords=None, is_identified=True)
            return {sample.name: await place.scan(ruleset, sample) for sample in samples}


def _in_groups(paths: Sequence[Path]) -> Iterator[list[Path]]:
    rest = iter(paths)
    while group := list(islice(rest, IN_A_ROW)):
        yield group
