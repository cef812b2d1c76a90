"""The order in which analysts are given cases."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from sigreq.domain.submission import Track


class Band(IntEnum):
    """Lower goes first."""

    DUE_SOON = 0
    EXPEDITED = 1
    STANDARD = 2


@dataclass(frozen=True)
class Waiting:
    """What the order looks at. `warn_at` is set only where an answer time is guaranteed."""

    id: str
    track: Track
    received_at: datetime
    due_at: datetime
    warn_at: datetime | None


def band(case: Waiting, now: datetime) -> Band:
    """A guaranteed answer past its warning point goes before all else, MSA before standard."""
    if case.warn_at is not None and case.warn_at <= now:
        return Band.DUE_SOON
    return Band.EXPEDITED if case.track is Track.EXPEDITED else Band.STANDARD


def order_key(case: Waiting, now: datetime) -> tuple[Band, datetime, datetime, str]:
    """Sort by this: band, due time, arrival, and the identifier so that no tie is left to chance."""
    return band(case, now), case.due_at, case.received_at, case.id
