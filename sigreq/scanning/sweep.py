"""Scans many stored contents with one ruleset, as they are: what they hold is theirs to list."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from sigreq.domain.examination import ALLOWED, with_hash
from sigreq.domain.faults import Fault
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.two_engines import opened
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.clamav import ClamAv
from sigreq.scanning.clamav_grounds import Bundle
from sigreq.scanning.fetching import Content, fetch_all
from sigreq.scanning.scanner import Scanner

# A child is asked for so many in one go; then others get its place.
IN_A_ROW = 16
CLEAN = ScanResult(Outcome.CLEAN)

Results = Mapping[str, ScanResult]
"""By the content's SHA-256."""


@dataclass(frozen=True)
class Sweep:
    """Fetches contents into a folder of its own, and scans them in the scanner's children, and by ClamAV if asked."""

    scanner: Scanner
    work_dir: Path

    async def scan(self, contents: Sequence[Content], ruleset: Ruleset) -> Results:
        """What the ruleset says of each. Raises ServiceUnavailable.

        Everything that is wrong with a content is in its result. What is allowed, and what no rule could hit, is not
        even fetched.
        """
        by_yara, _ = await self._scan(contents, ruleset, None)
        return by_yara

    async def scan_twice(
        self, contents: Sequence[Content], ruleset: Ruleset, clamav: ClamAv
    ) -> tuple[Results, Results | None]:
        """The same, and what ClamAV says of each; None where there are no rules to scan with, as hashes are looked up.

        Raises OSError, UnfitRulesetError, ServiceUnavailable.
        """
        return await self._scan(contents, ruleset, clamav)

    async def scan_by_clamav(self, contents: Sequence[Content], bundle: Bundle, clamav: ClamAv) -> Results:
        """What ClamAV alone says, also of what is allowed. Raises OSError, ServiceUnavailable."""
        with self._folder() as folder:
            faults = await fetch_all(_once(contents), folder)
            return await _by_clamav(folder, _once(contents), faults, bundle, clamav)

    async def _scan(
        self, contents: Sequence[Content], ruleset: Ruleset, clamav: ClamAv | None
    ) -> tuple[Results, Results | None]:
        allowed = {each.sha256: ALLOWED for each in contents if each.sha256 in ruleset.allowed}
        wanted = [each for each in _once(contents) if each.sha256 not in allowed]
        found: Results = dict.fromkeys((each.sha256 for each in wanted), CLEAN)
        by_clamav = None
        if ruleset.in_force:
            with self._folder() as folder:
                faults = await fetch_all(wanted, folder)
                if clamav is not None:
                    by_clamav = allowed | await _by_clamav(folder, wanted, faults, Bundle.of(ruleset), clamav)
                found = await self._by_yara(folder, wanted, faults, ruleset)
        return allowed | {each: with_hash(ruleset, each, result) for each, result in found.items()}, by_clamav

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        self.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.work_dir.absolute(), prefix="sweep-") as name:
            yield Path(name)

    async def _by_yara(
        self, folder: Path, contents: Sequence[Content], faults: Mapping[str, Fault], ruleset: Ruleset
    ) -> Results:
        """Each file is gone afterwards."""
        found = {sha256: ScanResult.not_scanned(fault) for sha256, fault in faults.items()}
        here = [folder / each.sha256 for each in contents if each.sha256 not in faults]
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


async def _by_clamav(
    folder: Path, contents: Sequence[Content], faults: Mapping[str, Fault], bundle: Bundle, clamav: ClamAv
) -> dict[str, ScanResult]:
    here = [each.sha256 for each in contents if each.sha256 not in faults]
    found = opened(await clamav.scan(bundle, folder, here))
    return {sha256: ScanResult.not_scanned(fault) for sha256, fault in faults.items()} | found


def _once(contents: Sequence[Content]) -> list[Content]:
    return list({each.sha256: each for each in contents}.values())


def _in_groups(paths: Sequence[Path]) -> Iterator[list[Path]]:
    rest = iter(paths)
    while group := list(islice(rest, IN_A_ROW)):
        yield group
