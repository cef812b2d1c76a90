"""What can be wrong with contracts, calendars and phone requests; facts as in `errors.py`."""

from dataclasses import dataclass
from datetime import datetime

from sigreq.domain.errors import Problem


@dataclass(eq=False)
class ContractsOverlap(Problem):
    """{organisation} already has the contract {other} ({plan}) in that time. End it first, or choose another time."""

    organisation: str
    other: str
    plan: str


@dataclass(eq=False)
class ContractBackwards(Problem):
    """A contract cannot end at {ends_at}, before it starts at {starts_at}."""

    starts_at: datetime
    ends_at: datetime


@dataclass(eq=False)
class CalendarUnfit(Problem):
    """The calendar {id} cannot be used: {reason}"""

    id: str
    reason: str


@dataclass(eq=False)
class CallOutOfTime(Problem):
    """A phone call at {called_at} cannot be logged for {id}: it must lie between {earliest} and now, {latest}."""

    id: str
    called_at: datetime
    earliest: datetime
    latest: datetime


class UploadLinkUnknown(Problem):
    """This upload link is not known. Check that it was copied whole, or call us again for a new one."""


@dataclass(eq=False)
class UploadLinkExpired(Problem):
    """This upload link expired at {expired_at}. Call us again for a new one."""

    expired_at: datetime


@dataclass(eq=False)
class UploadLinkUsed(Problem):
    """This upload link was used at {used_at}; it works once. To send another file, call us again."""

    used_at: datetime
