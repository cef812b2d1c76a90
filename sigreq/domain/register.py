"""Is the claimed database the latest? The register of published versions decides, not arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from operator import attrgetter

from sigreq.domain.versions import NoDatabase, Scheme, VersionUnparseable, parse

DEFAULT_GRACE = timedelta(hours=4)
"""How long after a release its predecessor is still accepted: mirrors lag."""


class DatabaseVerdict(StrEnum):
    """What the register says about a claimed version."""

    CURRENT = "current"
    IN_ROLLOUT_WINDOW = "in_rollout_window"
    OUTDATED = "outdated"
    WITHDRAWN = "withdrawn"
    UNKNOWN_NEWER = "unknown_newer"
    UNKNOWN_OLDER = "unknown_older"
    UNPARSEABLE = "unparseable"
    NO_DATABASE = "no_database"

    @property
    def is_accepted(self) -> bool:
        """Whether a submission may stand on it. An unknown newer one may: our register can lag behind a customer."""
        return self in {self.CURRENT, self.IN_ROLLOUT_WINDOW, self.UNKNOWN_NEWER}


@dataclass(frozen=True)
class Published:
    """One version of one product; the ordinal gives the order of release."""

    version: str
    ordinal: int
    published_at: datetime
    rollout_done_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def is_withdrawn(self, now: datetime) -> bool:
        """Whether it had been taken back by then."""
        return self.withdrawn_at is not None and self.withdrawn_at <= now

    def is_live(self, now: datetime) -> bool:
        """Whether it was out by then and not taken back."""
        return self.published_at <= now and not self.is_withdrawn(now)

    def excuses_predecessors(self, now: datetime, grace: timedelta) -> bool:
        """Whether customers without it are still excused: neither has grace passed nor has everyone been offered it."""
        is_rolled_out = self.rollout_done_at is not None and self.rollout_done_at <= now
        return now < self.published_at + grace and not is_rolled_out


@dataclass(frozen=True)
class DatabaseCheck:
    """A verdict with what the customer must be told.

    `matched` is the register's spelling of the claimed version; `outdated_since` is when the oldest live version newer
    than it came out.
    """

    verdict: DatabaseVerdict
    claimed: str
    matched: str | None = None
    latest: str | None = None
    latest_published_at: datetime | None = None
    outdated_since: datetime | None = None


# The register's versions are parsed at every check and seldom change. What customers type is never kept here.
_registered_key = lru_cache(maxsize=16_384)(parse)


def check(
    scheme: Scheme, claimed: str, register: Sequence[Published], now: datetime, grace: timedelta = DEFAULT_GRACE
) -> DatabaseCheck:
    """Accept a claimed version while the oldest live version newer than it has been out for less than `grace`.

    The oldest, because under hourly releases the newest is always fresh and would excuse every old version.
    Raises VersionUnparseable or NoDatabase only for a version that stands in the register itself.
    """
    live = [row for row in register if row.is_live(now)]
    latest = max(live, key=attrgetter("ordinal"), default=None)
    answer = partial(
        DatabaseCheck,
        claimed=claimed,
        latest=latest.version if latest else None,
        latest_published_at=latest.published_at if latest else None,
    )
    try:
        key = parse(scheme, claimed)
    except NoDatabase:
        return answer(DatabaseVerdict.NO_DATABASE)
    except VersionUnparseable:
        return answer(DatabaseVerdict.UNPARSEABLE)
    keyed = [(_registered_key(scheme, row.version), row) for row in register]
    # A version that was published again counts as its last publication.
    matched = max((row for known, row in keyed if known == key), key=attrgetter("ordinal"), default=None)
    if matched is None:
        is_newest = all(key > known for known, _ in keyed)
        return answer(DatabaseVerdict.UNKNOWN_NEWER if is_newest else DatabaseVerdict.UNKNOWN_OLDER)
    newer = (row for row in live if row.ordinal > matched.ordinal)
    successor = min(newer, key=attrgetter("published_at", "ordinal"), default=None)
    return answer(
        _judge(matched, successor, now, grace),
        matched=matched.version,
        outdated_since=successor.published_at if successor else None,
    )


def _judge(matched: Published, successor: Published | None, now: datetime, grace: timedelta) -> DatabaseVerdict:
    if matched.is_withdrawn(now):
        return DatabaseVerdict.WITHDRAWN
    if successor is None:
        return DatabaseVerdict.CURRENT
    if successor.excuses_predecessors(now, grace):
        return DatabaseVerdict.IN_ROLLOUT_WINDOW
    return DatabaseVerdict.OUTDATED
