"""Unpacking of samples, within limits, inside a locked-down process. A member's name is never a path."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from sigreq.domain.faults import Fault
from sigreq.domain.limits import UnpackLimits
from sigreq.scanning.archives import others, seven_zips, zips
from sigreq.scanning.archives.extraction import Archive, DamagedError, Node, Run, WriteFailedError, fault_of
from sigreq.scanning.archives.kinds import Kind, kinds


def unpack(sample: Path, folder: Path, passwords: Sequence[str], limits: UnpackLimits) -> dict[str, Any]:
    """What the sample holds, at all depths, as JSON values; the content of member n is in `folder` as `member-<n>`.

    {"faults": [of the sample itself], "members": [{"number", "parent", "name", "size", "faults"}]}: numbers count from
    1, a parent has a lower number, 0 is the sample; without content the size is None, and no file is there. Archives
    are read in the order in which they are found, all of one before what is packed in its members.

    Raises OSError when `folder` cannot be written to or the sample not be read, and nothing that is the sample's doing.
    """
    run = Run(folder, limits, passwords)
    waiting = deque([Archive(run, run.nodes[0], sample)])
    try:
        while waiting:
            waiting.extend(_unpack(waiting.popleft()))
    except WriteFailedError as error:
        raise error.__cause__ or error from None
    sample_node, *members = run.nodes
    return {"faults": _words(sample_node), "members": [_document(node) for node in members]}


def _unpack(archive: Archive) -> list[Archive]:
    """Read one file, if it is an archive; what was found in it."""
    run, known = archive.run, len(archive.run.nodes)
    with archive.path.open("rb") as file:
        found = kinds(file)
        if found and archive.depth > run.limits.depth:
            archive.node.blame(Fault.ARCHIVE_LIMIT)
            return []
        for kind in found:
            # An archive may end with a zip because its last member is one, or because it passes for both.
            if kind is found[0] or not _hold_zip(run, run.nodes[known:]):
                _read(archive, kind, file)
    return [
        Archive(run, node, run.path(node), archive.depth + 1, archive.room) for node in run.nodes[known:] if node.size
    ]


def _read(archive: Archive, kind: Kind, file: BinaryIO) -> None:
    try:
        if kind is Kind.ZIP:
            _read_zip(archive, file)
        elif kind is Kind.SEVEN_ZIP:
            seven_zips.read(archive, file)
        else:
            others.read(archive, kind)
    except WriteFailedError:
        raise
    except Exception as error:  # noqa: BLE001 - damage makes libraries raise nearly anything
        archive.node.blame(fault_of(error))


def _read_zip(archive: Archive, file: BinaryIO) -> None:
    try:
        zips.read(archive, file)
    except DamagedError:
        # One name in a wrong encoding is enough; libarchive goes by what stands before each member.
        archive.node.blame(Fault.ARCHIVE_BROKEN)
        others.read(archive, Kind.ZIP)


def _hold_zip(run: Run, members: Sequence[Node]) -> bool:
    for node in members:
        if node.size:
            with run.path(node).open("rb") as file:
                if Kind.ZIP in kinds(file):
                    return True
    return False


def _document(node: Node) -> dict[str, Any]:
    about = {"number": node.number, "parent": node.parent, "name": node.name, "size": node.size}
    return {**about, "faults": _words(node)}


def _words(node: Node) -> list[str]:
    return [fault.value for fault in node.faults]
