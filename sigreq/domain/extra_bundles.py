"""An extra as a bundle of its own: what stands in it, and where it lies."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.signing import EXPEDITED_PREFIX

RELIEF_FOLDER = "relief"
STEP_BYTES = 1024
"""An extra's length is a multiple of this; relief has no more than one, unless its names are very long."""


@dataclass(frozen=True)
class ExtraBundle:
    """What an update client needs of an extra: what to lay over which version, and when to drop it by itself.

    `base` is None for relief, which stands on whatever version is the newest.
    """

    extra: str
    product: str
    base: str | None
    added: Ruleset
    live_at: datetime
    expires_at: datetime

    @property
    def is_relief(self) -> bool:
        """Whether it is for one organisation alone."""
        return self.base is None

    @cached_property
    def content(self) -> bytes:
        """Its bytes; the same for as long as it lives.

        Spaces fill it up: the repository's list names its length, which would say whether relief allows or detects.
        """
        told = {
            "id": self.extra,
            "product": self.product,
            "base_version": self.base,
            "additions": additions_told(self.added),
            "digest": self.added.digest,
            "live_at": self.live_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
        }
        content = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return content + b" " * (-len(content) % STEP_BYTES)

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def name(self) -> str:
        """What the repository calls it.

        The repository's list is read by every customer, so relief is called by its own hash: that tells nothing of the
        case, and cannot be guessed without the extra's number.
        """
        folder = f"{EXPEDITED_PREFIX}{self.product}"
        return f"{folder}/{RELIEF_FOLDER}/{self.sha256[:32]}.json" if self.is_relief else f"{folder}/{self.extra}.json"


def additions_told(added: Ruleset) -> Mapping[str, Any]:
    """The signatures that are laid over the version, as in a version's own document."""
    return {"rules": dict(added.rules), "allowed": sorted(added.allowed), "hashes": dict(added.hashes)}


def is_relief(target: str) -> bool:
    """Whether a bundle of this name is for one organisation alone. Its bytes are in no mirror."""
    parts = target.split("/")
    return f"{parts[0]}/" == EXPEDITED_PREFIX and len(parts) == 4 and parts[2] == RELIEF_FOLDER  # noqa: PLR2004 - its depth
