"""Premium incidents: how many a contract year holds, and which year a moment belongs to."""

from calendar import isleap
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Balance:
    """The premium incidents of one contract year: `used` are charged for good, `reserved` may come back."""

    limit: int | None
    used: int
    reserved: int

    @property
    def left(self) -> int | None:
        """How many can still be reserved; None is without end. Never negative, even if the limit was lowered."""
        return None if self.limit is None else max(0, self.limit - self.used - self.reserved)

    @property
    def can_reserve(self) -> bool:
        """Whether one more is left."""
        return self.left is None or self.left > 0


def contract_year(starts_at: datetime, at: datetime) -> tuple[datetime, datetime]:
    """The contract's own year that holds `at`: its first moment and that of the year after, both in UTC.

    Years turn on the anniversary, at the local time of the time zone of `starts_at`. The anniversary of 29 February
    is 1 March in a common year, so that no year ends before its last day is over.
    Raises ValueError for a moment before the contract starts, and for times without an offset.
    """
    for moment in (starts_at, at):
        if moment.utcoffset() is None:
            raise ValueError(f"{moment.isoformat()} has no offset from UTC.")
    if at.astimezone(UTC) < starts_at.astimezone(UTC):
        raise ValueError(f"The contract starts at {starts_at.isoformat()}, after {at.isoformat()}.")
    number = at.astimezone(starts_at.tzinfo).year - starts_at.year
    if at.astimezone(UTC) < _anniversary(starts_at, number):
        number -= 1
    return _anniversary(starts_at, number), _anniversary(starts_at, number + 1)


def _anniversary(starts_at: datetime, number: int) -> datetime:
    year = starts_at.year + number
    is_missing = (starts_at.month, starts_at.day) == (2, 29) and not isleap(year)
    local = starts_at.replace(year=year, month=3, day=1) if is_missing else starts_at.replace(year=year)
    return local.astimezone(UTC)
