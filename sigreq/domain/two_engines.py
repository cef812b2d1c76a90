"""What ClamAV says of files, read as YARA's word is read: of each content by itself, and of what it holds apart."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sigreq.domain.examination import File
from sigreq.domain.faults import Fault
from sigreq.domain.verdict import Outcome, ScanResult

Results = Mapping[str, ScanResult]
"""By the content's SHA-256."""


def opened(results: Results) -> dict[str, ScanResult]:
    """The same, where a lock is no hindrance: what is behind it, ClamAV cannot detect at the customer's either.

    What we have a password for is listed apart, with faults of its own, and scanned by itself.
    """
    return {
        sha256: replace(result, outcome=Outcome.CLEAN, reason=None)
        if result.reason == Fault.ARCHIVE_ENCRYPTED
        else result
        for sha256, result in results.items()
    }


def of_each_itself(files: Sequence[File], by_clamav: Results, by_yara: Results) -> dict[str, ScanResult]:
    """The same, where an archive is not detected for what it holds: else one bad file in it would speak for all.

    ClamAV looks into archives on its own. What hits an archive itself, YARA says too.
    """
    holders = {file.parent for file in files if file.facts is not None}
    archives = {file.facts.sha256 for file in files if file.facts and file.position in holders}
    return {
        sha256: _itself(result, by_yara.get(sha256)) if sha256 in archives else result
        for sha256, result in by_clamav.items()
    }


def _itself(result: ScanResult, by_yara: ScanResult | None) -> ScanResult:
    own = tuple(name for name in result.detections if by_yara is not None and name in by_yara.detections)
    if result.outcome is not Outcome.DETECTED or own:
        return replace(result, detections=own)
    return replace(result, outcome=Outcome.CLEAN, detections=())
