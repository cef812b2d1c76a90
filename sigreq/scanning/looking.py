"""A first look at small files, many in one ask, as far as nothing is odd about them.

Runs in the scanning child only. Whatever is an archive, is not seen whole or fails in any way gets no answer here, and
is examined by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

from sigreq.scanning import engine, identify
from sigreq.scanning.archives.kinds import kinds

# Where so many rules hit there is much to tell, and one answer has to hold what is told of all files.
_FEW_HITS = 8
_PROGRAM = Path("program")

Wanted = Mapping[str, Any]
"""Of one file: its "size" in bytes, whether to "identify" it, and the places of its "rulesets" in their list."""


def look(
    wanted: Sequence[Wanted], content: bytes, rulesets: Mapping[int, engine.Rules], timeout: int, seconds: float
) -> list[dict[str, Any] | None]:
    """What each file is and what each ruleset says of it, None for one that has to be examined by itself.

    `content` is that of all files, one after the other; `rulesets` has, by their places, those that any file names. A
    scan has `timeout` seconds; when all together have taken `seconds` of processor time, the rest is left. Raises
    OSError and MemoryError.
    """
    ends = process_time() + seconds
    files = list(zip(wanted, _parted(wanted, content), strict=True))
    # One after the other, libmagic and YARA would take the processor's cache from each other at each file.
    identities = [_identity(each, file) if process_time() < ends else None for each, file in files]
    return [
        _look(identity, each, file, rulesets, timeout) if identity and process_time() < ends else None
        for identity, (each, file) in zip(identities, files, strict=True)
    ]


def _parted(wanted: Sequence[Wanted], content: bytes) -> Iterator[bytes]:
    start = 0
    for each in wanted:
        yield content[start : start + each["size"]]
        start += each["size"]


def _identity(wanted: Wanted, file: bytes) -> dict[str, Any] | None:
    """Under "identity", what the file is, if that is wanted."""
    if kinds(BytesIO(file)):
        return None
    identity = _identified(file) if wanted["identify"] else None
    return None if identity is not None and identity["fault"] else {"identity": identity}


def _look(
    identity: dict[str, Any], wanted: Wanted, file: bytes, rulesets: Mapping[int, engine.Rules], timeout: int
) -> dict[str, Any] | None:
    scans = []
    with suppress(engine.ScanError):
        scans = [rulesets[at].scan(file, timeout) for at in wanted["rulesets"]]
    if len(scans) < len(wanted["rulesets"]) or any(each["reason"] or len(each["hits"]) > _FEW_HITS for each in scans):
        return None
    return {**identity, "scans": scans}


def _identified(file: bytes) -> dict[str, Any]:
    if not identify.kind_of_program(file):
        return identify.identify_plain(file)
    # Who reads programs wants a file.
    _PROGRAM.write_bytes(file)
    try:
        return identify.identify(_PROGRAM)
    finally:
        _PROGRAM.unlink()
