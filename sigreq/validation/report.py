"""The screening report: what was found in each file of a submission, with which rules, and what was not seen."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sigreq.domain.examination import File, overall
from sigreq.domain.verdict import Finding, ScanResult, conclude
from sigreq.scanning.nearness import near
from sigreq.store import files, samples, scans, similar
from sigreq.store.similar import Likeness
from sigreq.tables.submissions import Sample, Scan, Submission
from sigreq.transaction import Transaction

CLAIMED, NEWEST = "claimed", "newest"
# Each costs tens of milliseconds.
COMPARED_FILES = 5


@dataclass(frozen=True)
class FileScan:
    """A scan of a file's own content, and what came of it with everything the file holds."""

    row: Scan
    result: ScanResult


@dataclass(frozen=True)
class FileReport:
    """One file: what it is, its scans oldest first, and what screening says of the claim if it was sent as such."""

    file: File
    sample: Sample | None
    scans: Sequence[FileScan]
    finding: Finding | None


async def of(tx: Transaction, submission: Submission, *, after: int, limit: int) -> tuple[list[FileReport], int | None]:
    """A page of files by position, and the last position of it when there are more."""
    everything = await files.of(tx, submission)
    page = [file for file in everything if file.position > after][: limit + 1]
    is_more = len(page) > limit
    known = await samples.by_sha256(tx, submission.organisation_id, [f.facts.sha256 for f in page if f.facts])
    seen = _Seen(submission, everything, await scans.of_submission(tx, submission.id))
    reports = [
        FileReport(
            file,
            known.get(file.facts.sha256) if file.facts else None,
            seen.scans(file),
            seen.finding(file),
        )
        for file in page[:limit]
    ]
    return reports, page[limit - 1].position if is_more else None


class _Seen:
    """The scans of a submission, by the rounds they were made in."""

    def __init__(self, submission: Submission, everything: Sequence[File], rows: Sequence[Scan]) -> None:
        self._kind = submission.kind
        self._rows: dict[str, list[Scan]] = {}
        rounds: dict[tuple[str, str, datetime], dict[str, ScanResult]] = {}
        for row in rows:
            self._rows.setdefault(row.sha256, []).append(row)
            rounds.setdefault(_round(row), {})[row.sha256] = scans.result_of(row)
        self._results = {key: overall(everything, results) for key, results in rounds.items()}

    def scans(self, file: File) -> list[FileScan]:
        rows = self._rows.get(file.facts.sha256, []) if file.facts else []
        return [FileScan(row, self._results[_round(row)][file.position]) for row in rows]

    def finding(self, file: File) -> Finding | None:
        """For a file that was sent. When only one version was scanned with it is the newest too."""
        if file.parent is not None or not self._results:
            return None
        by_purpose = {purpose: results for (purpose, _, _), results in self._results.items()}
        claimed = by_purpose.get(CLAIMED)
        newest = by_purpose.get(NEWEST, claimed)
        if claimed is None or newest is None:
            return None
        return conclude(self._kind, [claimed[file.position]], [newest[file.position]])


def _round(row: Scan) -> tuple[str, str, datetime]:
    return row.purpose, row.version, row.at


@dataclass(frozen=True)
class Similar:
    """Other cases, by what they have in common with this one."""

    same_content: list[Likeness]
    same_rule: list[Likeness]
    same_signer: list[Likeness]
    near_content: list[Likeness]


async def similar_to(tx: Transaction, submission: Submission) -> Similar:
    """Cases of any organisation, at most similar.MOST of each kind."""
    own = await samples.by_sha256(
        tx, submission.organisation_id, [f.facts.sha256 for f in await files.of(tx, submission) if f.facts]
    )
    found = [*own.values()]
    rules = {rule for row in await scans.of_submission(tx, submission.id) for rule in row.detections}
    distances: dict[str, int] = {}
    for sample in [each for each in found if each.tlsh][:COMPARED_FILES]:
        others = await similar.digests_of_type(tx, sample.mime, own)
        for sha256, distance in await asyncio.to_thread(near, sample.tlsh or "", others, similar.MOST):
            distances[sha256] = min(distance, distances.get(sha256, distance))
    return Similar(
        await similar.same_content(tx, submission, found),
        await similar.same_rule(tx, submission, rules),
        await similar.same_signer(tx, submission, found),
        await similar.near_content(tx, submission, distances),
    )
