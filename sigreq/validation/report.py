"""The screening report: what was found in each file of a submission, with which rules, and what was not seen."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sigreq.domain.examination import File, overall, shown
from sigreq.domain.verdict import Finding, ScanResult, conclude
from sigreq.scanning.nearness import near
from sigreq.store import files, samples, scans, similar
from sigreq.store.scans import Seen
from sigreq.store.similar import Likeness
from sigreq.tables.submissions import Sample, Scan, Submission
from sigreq.transaction import Transaction

CLAIMED, NEWEST = "claimed", "newest"
Key = tuple[str, str, datetime]
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
    page = page[:limit]
    sha256s = {file.facts.sha256 for file in page if file.facts}
    known = await samples.by_sha256(tx, submission.organisation_id, sha256s)
    rows: dict[str, list[Scan]] = {}
    for row in await scans.of_files(tx, submission.id, sha256s):
        rows.setdefault(row.sha256, []).append(row)
    # Read last: a scan that is finished meanwhile may be among all outcomes, but none of the rows is missing there.
    seen = _Seen(submission, everything, await scans.outcomes(tx, submission.id))
    reports = []
    for file in page:
        sha256 = file.facts.sha256 if file.facts else ""
        own = [FileScan(row, seen.result(row, file)) for row in rows.get(sha256, [])]
        reports.append(FileReport(file, known.get(sha256), own, seen.finding(file)))
    return reports, page[-1].position if is_more else None


class _Seen:
    """The scans of a submission, by the rounds they were made in."""

    def __init__(self, submission: Submission, everything: Sequence[File], found: Sequence[Seen]) -> None:
        rounds: dict[Key, dict[str, ScanResult]] = {}
        for each in found:
            rounds.setdefault((each.purpose, each.version, each.at), {})[each.sha256] = each.result
        self._results = {key: overall(everything, results) for key, results in rounds.items()}
        by_purpose = {key[0]: shown(submission.kind, everything, results) for key, results in rounds.items()}
        self._claimed = by_purpose.get(CLAIMED, {})
        # When only one version was scanned with it is the newest too.
        self._newest = by_purpose.get(NEWEST, self._claimed)

    def result(self, row: Scan, file: File) -> ScanResult:
        return self._results[(row.purpose, row.version, row.at)][file.position]

    def finding(self, file: File) -> Finding | None:
        """For a file that was sent."""
        if file.position not in self._claimed:
            return None
        return conclude([self._claimed[file.position]], [self._newest[file.position]])


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
    rules = {rule for each in await scans.outcomes(tx, submission.id) for rule in each.result.detections}
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
