"""What can be wrong with the database version that a customer claims; facts as in `errors.py`."""

from dataclasses import dataclass
from datetime import datetime

from sigreq.domain.errors import Problem


@dataclass(eq=False)
class ProductUnknown(Problem):
    """There is no product {product}. Known products: {known}."""

    product: str
    known: str


@dataclass(eq=False)
class DatabaseOutdated(Problem):
    """Database version {claimed} of {product} is not the latest: {latest} is, and {claimed} has been replaced since
    {outdated_since}. {update_instructions} Then look whether the fault is still there and submit again.
    """

    product: str
    claimed: str
    latest: str
    latest_published_at: datetime
    outdated_since: datetime
    update_instructions: str


@dataclass(eq=False)
class DatabaseWithdrawn(Problem):
    """Database version {claimed} of {product} was withdrawn; the latest is {latest}. {update_instructions}"""

    product: str
    claimed: str
    latest: str | None
    update_instructions: str


@dataclass(eq=False)
class DatabaseVersionUnknown(Problem):
    """Database version {claimed} of {product} was never published here; the latest is {latest}. Copy the version
    exactly as the product shows it.
    """

    product: str
    claimed: str
    latest: str | None


@dataclass(eq=False)
class DatabaseVersionUnreadable(Problem):
    """{claimed} is not a database version of {product}. Expected: {expected}."""

    product: str
    claimed: str
    expected: str


@dataclass(eq=False)
class DatabaseMissing(Problem):
    """{claimed} says that {product} runs without a database. {update_instructions}"""

    product: str
    claimed: str
    update_instructions: str
