"""What a child says of many small files at once, believed as little as all that children answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from sigreq.domain.examination import Identity
from sigreq.domain.verdict import ScanResult
from sigreq.scanning.replies import IdentityReply, Reply, ScanReply, decoded, to_identity, to_scan_result


class _Look(Reply):
    identity: IdentityReply | None
    scans: list[ScanReply]


class _Looks(Reply):
    looks: list[_Look | None]


@dataclass(frozen=True)
class Small:
    """A small file to look at: which of the rulesets, by their places, to scan with, and whether to say what it is."""

    content: bytes
    rulesets: tuple[int, ...]
    is_new: bool = True


@dataclass(frozen=True)
class Seen:
    """A file that holds nothing and was seen whole: what it is, if that was asked, and the result of each ruleset."""

    identity: Identity | None
    results: tuple[ScanResult, ...]


def looks(reply: bytes, files: Sequence[Small]) -> list[Seen | None]:
    """What was seen of each file, None for one that has to be examined by itself. Raises ValueError."""
    said = decoded(reply, _Looks).looks
    if len(said) != len(files):
        raise ValueError("not as many answers as files")
    return [None if look is None else _seen(look, file) for look, file in zip(said, files, strict=True)]


def _seen(look: _Look, file: Small) -> Seen:
    if len(look.scans) != len(file.rulesets) or (look.identity is not None) != file.is_new:
        raise ValueError("another answer than was asked for")
    if any(each.reason for each in look.scans) or (look.identity is not None and look.identity.fault):
        raise ValueError("what was not seen whole")
    identity = None if look.identity is None else to_identity(look.identity)
    return Seen(identity, tuple(map(to_scan_result, look.scans)))
