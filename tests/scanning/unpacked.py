"""One unpacking, as the tests look at it."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sigreq.domain.limits import CUSTOMARY_PASSWORDS, UnpackLimits
from sigreq.scanning.unpacking import unpack

LIMITS = UnpackLimits()


@dataclass(frozen=True)
class Found:
    """What came out: the sample's own faults, and for each member its parent, name, content and faults."""

    faults: list[str]
    members: list[tuple[int, str, bytes | None, list[str]]]

    @property
    def contents(self) -> list[bytes | None]:
        return [content for _, _, content, _ in self.members]

    @property
    def all_faults(self) -> set[str]:
        return {*self.faults, *(fault for *_, faults in self.members for fault in faults)}


def unpacked(
    folder: Path,
    sample: bytes | Path,
    *,
    passwords: Sequence[str] = CUSTOMARY_PASSWORDS,
    limits: UnpackLimits = LIMITS,
) -> Found:
    """Unpack into a folder below this one, and check that what is said and what lies there agree."""
    private = folder / "private"
    private.mkdir()
    path = sample if isinstance(sample, Path) else folder / "sample"
    if isinstance(sample, bytes):
        path.write_bytes(sample)
    reply = unpack(path, private, passwords, limits)
    assert [member["number"] for member in reply["members"]] == list(range(1, len(reply["members"]) + 1))
    members = []
    for member in reply["members"]:
        file = private / f"member-{member['number']}"
        assert 0 <= member["parent"] < member["number"]
        assert len(member["name"].encode()) <= 4 * 255
        assert "\0" not in member["name"]
        assert (member["size"] is not None) == file.exists()
        content = file.read_bytes() if member["size"] is not None else None
        assert content is None or len(content) == member["size"]
        assert content is None or stat.S_IMODE(file.stat().st_mode) == 0o600
        members.append((member["parent"], member["name"], content, member["faults"]))
    assert len(list(private.iterdir())) == sum(content is not None for *_, content, _ in members)
    return Found(reply["faults"], members)
