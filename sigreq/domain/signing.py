"""Who signs what, for how long it holds, and under which names it lies: the rules of the bundle repository."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sigreq.domain.submission import Track

ROOT = "root"
EXPEDITED_PREFIX = "expedited/"
# A star matches within one folder only, so each depth needs a pattern of its own.
EXPEDITED_PATHS = tuple("expedited/" + "/".join("*" * depth) for depth in (1, 2, 3))
# Up to four parts, none beginning with a dot, so that a name is a file's name everywhere.
_TARGET = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}/){0,3}[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}")
_METADATA = re.compile(r"timestamp\.json|[1-9][0-9]{0,9}\.(?:root|targets|expedited|snapshot)\.json")


class KeyRole(StrEnum):
    """What an online key signs. The root's keys are not among them: they are not ours to hold."""

    TARGETS = "targets"
    EXPEDITED = "expedited"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"
    APPROVALS = "approvals"
    EVIDENCE = "evidence"


METADATA_ROLES = (KeyRole.EXPEDITED, KeyRole.TARGETS, KeyRole.SNAPSHOT, KeyRole.TIMESTAMP)
"""Who signs the repository's own documents, in the order in which they are written: what is named comes first."""


class KeyState(StrEnum):
    """`next` waits for a root that names it, `active` signs, `retired` has no private half any more."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class TargetUnfitError(ValueError):
    """A bundle cannot be offered under this name; the text says why."""


@dataclass(frozen=True)
class Lives:
    """How long each document of the repository holds; each is renewed when half of its life is over."""

    timestamp: timedelta = timedelta(days=1)
    snapshot: timedelta = timedelta(days=7)
    targets: timedelta = timedelta(days=30)

    def of(self, role: KeyRole) -> timedelta:
        """The life of a role's documents. Raises KeyError for roles that have none."""
        targets = self.targets
        lives = {KeyRole.TARGETS: targets, KeyRole.EXPEDITED: targets}
        return {**lives, KeyRole.SNAPSHOT: self.snapshot, KeyRole.TIMESTAMP: self.timestamp}[role]


def is_due(expires_at: datetime, life: timedelta, now: datetime) -> bool:
    """Whether half of a document's life is over."""
    return now >= expires_at - life / 2


def next_version(before: int, now: datetime) -> int:
    """The version after `before`: the seconds of the clock where they are higher.

    So a database that was restored from a backup never gives a number twice, nor one that clients would refuse.
    """
    return max(before + 1, int(now.timestamp()))


def role_of(target: str) -> KeyRole:
    """Who signs for a bundle of this name. Raises TargetUnfitError."""
    if not _TARGET.fullmatch(target):
        raise TargetUnfitError(f"{target[:200]!r} cannot be a bundle's name; it must match ^{_TARGET.pattern}$")
    return KeyRole.EXPEDITED if target.startswith(EXPEDITED_PREFIX) else KeyRole.TARGETS


def target_name(product: str, version: str, file: str) -> str:
    """What a version's bundle is called. Signs that no file name should have are written otherwise, without clashes."""
    plain = re.sub(r"[^A-Za-z0-9_.+-]", "_", version)[:80]
    is_plain = plain == version and plain[:1] not in {"", ".", "+", "-"}
    folder = plain if is_plain else f"v{plain}-{hashlib.sha256(version.encode()).hexdigest()[:8]}"
    return f"{product}/{folder}/{file}"


def target_file(target: str, sha256: str) -> str:
    """Where a bundle's bytes lie under `targets/`: with the hash in its name, so that two contents never meet."""
    folder, slash, name = target.rpartition("/")
    return f"{folder}{slash}{sha256}.{name}"


def target_of(file: str) -> str:
    """The bundle whose bytes lie there: `target_file` read backwards."""
    folder, slash, name = file.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[2]}"


def product_of(target: str) -> str:
    """Whose bundle it is."""
    return target.removeprefix(EXPEDITED_PREFIX).partition("/")[0]


def metadata_file(role: str, version: int) -> str:
    """The name of a document under `metadata/`: only the timestamp is ever replaced."""
    return "timestamp.json" if role == KeyRole.TIMESTAMP else f"{version}.{role}.json"


def is_repository_file(path: str) -> bool:
    """Whether a path under the repository can be one of its files."""
    kind, _, name = path.partition("/")
    return bool(_METADATA.fullmatch(name) if kind == "metadata" else kind == "targets" and _TARGET.fullmatch(name))


def approval_keys(thresholds: Mapping[Track, int]) -> int:
    """How many keys sign approvals, so that each track can have as many signatures as it asks for."""
    return max(thresholds.values())
