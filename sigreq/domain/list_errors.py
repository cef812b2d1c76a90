"""What goes wrong with the lists that people keep."""

from dataclasses import dataclass

from sigreq.domain.errors import Problem


@dataclass(eq=False)
class ListFull(Problem):
    """The limit of {limit} is reached for the {what}. Remove or revoke one that is no longer needed, then try again."""

    what: str
    limit: int
