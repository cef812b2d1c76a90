"""Extras: small additions to a published version, out within minutes, that end by themselves.

One is bound to an approved change and to the version it was tested on, or, as interim relief, to a case.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sigreq.domain.changes import ChangeKind, Content, content_of
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind, Track

LONGEST = timedelta(days=14)
RELIEF_KINDS: Mapping[Kind, ChangeKind] = {
    Kind.FALSE_POSITIVE: ChangeKind.HASH_ALLOW,
    Kind.FALSE_NEGATIVE: ChangeKind.HASH_ADD,
}
"""Relief is for single files, by their content: a false positive is allowed, a false negative is detected."""

ADDITIVE = frozenset({ChangeKind.RULE_ADD, ChangeKind.HASH_ADD, ChangeKind.HASH_ALLOW})
"""What can be laid over a version as it is: an extra takes nothing out and rewrites nothing."""


class ExtraState(StrEnum):
    """Where an extra stands. One of an approved change is live from the start; relief waits for a lead."""

    PROPOSED = "proposed"
    LIVE = "live"
    ENDED = "ended"


class Ending(StrEnum):
    """Why an extra is over."""

    EXPIRED = "expired"
    SHIPPED = "shipped"
    FIXED = "fixed"
    CLOSED = "closed"
    TAKEN_BACK = "taken_back"
    CONTRADICTED = "contradicted"
    BASE_REPLACED = "base_replaced"
    BASE_WITHDRAWN = "base_withdrawn"
    CHANGE_WITHDRAWN = "change_withdrawn"


def goes_at_once(track: Track, kind: ChangeKind) -> bool:
    """Whether an approved change goes out as an extra, and does not wait for the next train."""
    return track is Track.EXPEDITED and kind in ADDITIVE


def additions(content: Content) -> Ruleset:
    """Just what a change of an additive kind adds, as signatures of their own."""
    return content.apply(Ruleset())


def additions_of(kind: ChangeKind, payload: Mapping[str, Any]) -> Ruleset:
    """The same of a stored payload."""
    return additions(content_of(kind, payload))


def relief_name(sha256: str) -> str:
    """What a file is detected as by relief that was given no name."""
    return f"Relief_{sha256[:12]}"
