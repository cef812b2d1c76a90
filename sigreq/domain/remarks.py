"""What customer and analyst have to know about an examination, besides its result."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sigreq.domain.examination import Examination, File, Identity
from sigreq.domain.faults import MEANINGS, Fault, blocking
from sigreq.domain.printable import printable
from sigreq.domain.spelling import spelling, spellings
from sigreq.domain.verdict import Outcome, ScanResult

MOST = 20
_LONGEST_NAME = 200

DETECTION_UNKNOWN = "detection_unknown"
DETECTION_OTHER = "detection_other"
MORE = "more"


def remarks(
    examination: Examination, results: Mapping[str, ScanResult], named: str | None, *, is_name_known: bool
) -> list[dict[str, Any]]:
    """At most MOST of them, each with a code, a text, and the file it is about, if it is about one.

    `named` is the detection that a false positive is about.
    """
    found = [*_about_name(results, named, is_name_known=is_name_known), *_about_files(examination, results)]
    if len(found) <= MOST:
        return found
    rest = len(found) - MOST + 1
    return [*islice(found, MOST - 1), {"code": MORE, "file": None, "text": f"{rest} more parts were not examined"}]


def _about_name(
    results: Mapping[str, ScanResult], named: str | None, *, is_name_known: bool
) -> Iterator[dict[str, Any]]:
    if named is None:
        return
    if not is_name_known:
        text = (
            f"The detection name {named} is not one of ours: no rule of these database versions is called so. "
            "Another product, or another part of this one, may have detected the file."
        )
        yield {"code": DETECTION_UNKNOWN, "file": None, "text": text}
        return
    fired = sorted({rule for result in results.values() for rule in result.detections})
    if fired and spellings(named).isdisjoint(map(spelling, fired)):
        text = f"The rules that fire are not called {named}: {', '.join(fired[:5])}"
        yield {"code": DETECTION_OTHER, "file": None, "text": text}


def _about_files(examination: Examination, results: Mapping[str, ScanResult]) -> Iterator[dict[str, Any]]:
    at = {file.position: file for file in examination.files}
    for file in examination.files:
        faults = list(blocking(file.faults or ()))
        if file.facts is not None:
            faults += _about_content(examination.identities.get(file.facts.sha256), results.get(file.facts.sha256))
        for fault in dict.fromkeys(faults):
            yield {"code": fault, "file": _path(file, at), "text": MEANINGS[fault]}


def _about_content(identity: Identity | None, result: ScanResult | None) -> Iterator[Fault]:
    if identity is not None and identity.fault is not None:
        yield identity.fault
    if result is not None and result.outcome is Outcome.NOT_SCANNED and result.reason:
        yield Fault(result.reason)


def _path(file: File, at: Mapping[int, File]) -> str:
    """The names from the file sent down to this one."""
    names = [file.name]
    while file.parent is not None:
        file = at[file.parent]
        names.append(file.name)
    return printable(" > ".join(reversed(names))[-_LONGEST_NAME:])
