"""Screening of samples with YARA, out of reach of what a sample or a rule may do."""

import asyncio
import math
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import SampleFacts
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.pool import ChildDiedError, Pool

# More than scans can be under way at once, so that none loses its file to this.
KEPT_RULESETS = 64


class Scanner:
    """Scans samples in child processes that can be killed."""

    def __init__(self, work_dir: Path, *, children: int = 2, timeout: timedelta = timedelta(seconds=60)) -> None:
        """`timeout` bounds one attempt at one sample; a scan whose child dies is attempted twice."""
        self._work_dir = work_dir.absolute()
        self._work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._pool = Pool(children, timeout)
        self._yara_timeout = math.ceil(timeout.total_seconds())

    async def scan(
        self,
        ruleset: Ruleset,
        sample: Path,
        facts: SampleFacts,
        *,
        password: str | None = None,
    ) -> ScanResult:
        """Clean means that the sample was examined as it is, with all members if it is a zip, and no rule fired.

        Other archives are known by how they start and are never clean. What a program carries in itself, such as a
        self-extracting archive of another format, is examined as bytes only.

        Reasons for no answer: timeout, scanner_died, ruleset_invalid, scan_error, out_of_memory, archive_limit,
        archive_encrypted, archive_broken, archive_unsupported.
        """
        if facts.sha256 in ruleset.allowed:
            return ScanResult(Outcome.CLEAN)
        request = await asyncio.to_thread(self._request, ruleset, sample)
        try:
            return _result(await self._pool.ask({**request, "password": password}))
        except TimeoutError:
            return ScanResult.not_scanned("timeout")
        except ChildDiedError:
            return ScanResult.not_scanned("scanner_died")

    async def lint(self, name: str, source: str) -> tuple[str, ...]:
        """What keeps `source` from being published as the rule `name`; empty when nothing does."""
        try:
            reply = await self._pool.ask({"ask": "lint", "name": name, "source": source})
        except TimeoutError:
            return ("takes too long to compile",)
        except ChildDiedError:
            return ("the compiler died of it",)
        return tuple(reply["problems"])

    async def close(self) -> None:
        """Kill the children. Scans under way end as `scanner_died`, and so do all later ones."""
        await self._pool.close()

    def _request(self, ruleset: Ruleset, sample: Path) -> dict[str, Any]:
        return {
            "ask": "scan",
            "ruleset": str(self._stored(ruleset)),
            "sample": str(sample.absolute()),
            "timeout": self._yara_timeout,
        }

    def _stored(self, ruleset: Ruleset) -> Path:
        """The file, named by the ruleset's digest, from which children read it; complete whenever it exists."""
        path = self._work_dir / f"{ruleset.digest}.json"
        if not path.exists():
            descriptor, draft = tempfile.mkstemp(dir=self._work_dir)  # readable by its owner alone
            with os.fdopen(descriptor, "wb") as file:
                file.write(ruleset.document())
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
            self._forget_old()
        return path

    def _forget_old(self) -> None:
        """Keep the newest rulesets only; one that is asked for again is written again."""
        kept = sorted(self._work_dir.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in kept[KEPT_RULESETS:]:
            old.unlink(missing_ok=True)


def _result(reply: dict[str, Any]) -> ScanResult:
    if reply["detections"]:
        return ScanResult(Outcome.DETECTED, tuple(reply["detections"]))
    if reply["reason"]:
        return ScanResult.not_scanned(reply["reason"])
    return ScanResult(Outcome.CLEAN)
