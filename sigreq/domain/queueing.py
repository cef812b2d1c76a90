"""The order in which analysts are given cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from sigreq.domain.submission import Track

TAKES_BEFORE_FAIRNESS = 3


class Band(IntEnum):
    """Lower goes first."""

    DUE_SOON = 0
    GUARANTEED = 1
    EXPEDITED = 2
    STANDARD = 3


@dataclass(frozen=True)
class Waiting:
    """What the order looks at. `warn_at` is set only where an answer time is guaranteed."""

    id: str
    track: Track
    received_at: datetime
    due_at: datetime
    warn_at: datetime | None


def band(case: Waiting, now: datetime) -> Band:
    """A guaranteed answer past its warning point goes before all else, then guaranteed, other MSA, standard.

    Guaranteed answers have a band of their own: among other MSA cases that are late already they would wait until
    their warning point, with a quarter of the goal left (docs/decisions/0010).
    """
    if case.warn_at is not None:
        return Band.DUE_SOON if case.warn_at <= now else Band.GUARANTEED
    return Band.EXPEDITED if case.track is Track.EXPEDITED else Band.STANDARD


def order_key(case: Waiting, now: datetime) -> tuple[Band, datetime, datetime, str]:
    """Sort by this: band, due time, arrival, and the identifier so that no tie is left to chance."""
    return band(case, now), case.due_at, case.received_at, case.id


def next_case(waiting: Sequence[Waiting], last_taken: Sequence[Track], now: datetime) -> Waiting | None:
    """The case that is taken next; None when none waits. `last_taken` has the newest last.

    The order with one exception, so that standard cases never wait without end: when no guaranteed answer is due
    soon and the last three taken were expedited, the oldest standard case past its target goes first.
    """
    first = min(waiting, key=lambda case: order_key(case, now), default=None)
    if first is None or band(first, now) is Band.DUE_SOON:
        return first
    latest = last_taken[-TAKES_BEFORE_FAIRNESS:]
    if len(latest) < TAKES_BEFORE_FAIRNESS or Track.STANDARD in latest:
        return first
    late = (case for case in waiting if case.track is Track.STANDARD and case.due_at <= now)
    return min(late, key=lambda case: (case.received_at, case.id), default=first)
