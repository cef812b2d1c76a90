"""What clamscan and clamdscan say, line by line. What they do not say of a file is never taken for clean."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sigreq.domain.clamav_files import plain_name
from sigreq.domain.examination import MAX_DETECTIONS
from sigreq.domain.faults import Fault
from sigreq.domain.verdict import Outcome, ScanResult

CLEAN, FOUND, FAILED = 0, 1, 2
"""What the programs' exit codes mean."""

_FOUND = " FOUND"
# The programs have their own word for a file without content.
_CLEAN = {"OK", "Empty file"}
# What the programs call a detection and is none: they say so that they could not look.
_UNSEEN = {
    "Heuristics.Encrypted.": Fault.ARCHIVE_ENCRYPTED,
    "Heuristics.Limits.Exceeded.MaxScanTime": Fault.TIMEOUT,
    "Heuristics.Limits.": Fault.ARCHIVE_LIMIT,
}
_SUMMARY = re.compile(r"^Known viruses: ([0-9]+)$", re.MULTILINE)
_LOADED = re.compile(r"Loaded ([0-9]+) signatures\.$", re.MULTILINE)
# The first lines that say why, without what comes of it.
_TROUBLE = re.compile(r"^(?:LibClamAV Error|ERROR|LibClamAV Warning|WARNING): (.*)$", re.MULTILINE)
_MOST_TROUBLES = 3


@dataclass(frozen=True)
class Answers:
    """The answer for each file by its name, and whether the program said one thing of each and ended as it said."""

    by_name: Mapping[str, ScanResult]
    is_whole: bool


def answers(output: str, code: int | None, names: Mapping[str, str], missing: Fault, engine: str) -> Answers:
    """Read the lines. `names` are by the paths as they were given, `missing` is why there would be no line."""
    said: dict[str, list[str]] = {name: [] for name in names.values()}
    for line in output.splitlines():
        path, _, rest = line.rpartition(": ")
        if path in names:
            said[names[path]].append(rest)
    found = {name: _answer(each, missing, engine) for name, each in said.items()}
    # What could not be looked into is a finding to the programs, as they were asked to say.
    any_found = any(rest.endswith(_FOUND) for each in said.values() for rest in each)
    is_whole = code == (FOUND if any_found else CLEAN) and all(map(_is_told, said.values()))
    if not is_whole:
        unseen = ScanResult(Outcome.NOT_SCANNED, (), missing, engine=engine)
        found = {name: unseen if each.outcome is Outcome.CLEAN else each for name, each in found.items()}
    return Answers(found, is_whole)


def _is_told(said: list[str]) -> bool:
    """Whether it is one answer: clean, or a list of names."""
    return bool(said) and (all(each.endswith(_FOUND) for each in said) or (len(said) == 1 and said[0] in _CLEAN))


def _answer(said: list[str], missing: Fault, engine: str) -> ScanResult:
    shown = [each.removesuffix(_FOUND) for each in said if each.endswith(_FOUND)]
    faults = list(filter(None, map(_fault, shown)))
    detections = sorted({plain_name(name) or name for name in shown if _fault(name) is None})
    if detections:
        return ScanResult(Outcome.DETECTED, tuple(detections[:MAX_DETECTIONS]), engine=engine)
    if faults:
        return ScanResult(Outcome.NOT_SCANNED, (), faults[0], engine=engine)
    if not said:
        return ScanResult(Outcome.NOT_SCANNED, (), missing, engine=engine)
    outcome = Outcome.CLEAN if _is_told(said) else Outcome.NOT_SCANNED
    return ScanResult(outcome, (), None if outcome is Outcome.CLEAN else Fault.SCAN_ERROR, engine=engine)


def _fault(shown: str) -> Fault | None:
    return next((fault for start, fault in _UNSEEN.items() if shown.startswith(start)), None)


def known_viruses(summary: str) -> int | None:
    """How many signatures clamscan says it has."""
    found = _SUMMARY.search(summary)
    return int(found[1]) if found else None


def loaded_signatures(log: str) -> int | None:
    """How many signatures clamd says it has."""
    found = _LOADED.search(log)
    return int(found[1]) if found else None


def why(errors: str, folder: str) -> str:
    """The first of what went wrong, without the private folder's path; empty when nothing is said."""
    return "; ".join(_first(errors.replace(f"{folder}/", ""), _MOST_TROUBLES))


def _first(errors: str, at_most: int) -> Iterator[str]:
    told = dict.fromkeys(found.strip() for found in _TROUBLE.findall(errors))
    yield from list(told)[:at_most]
