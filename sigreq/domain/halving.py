"""The first version that no longer shows a fault, found by looking at few of many."""

from collections.abc import Generator, Sequence
from typing import TypeVar

Version = TypeVar("Version")


def first_without(versions: Sequence[Version]) -> Generator[Version, bool, Version]:
    """Yield the version to look at next, be sent whether it shows the fault, return the first that does not.

    `versions` are in the order of publication and the last one is known not to show it. A fault that came back in
    between is not looked for: the version returned does not show it, and the one looked at before it does.
    """
    low, high = 0, len(versions) - 1
    while low < high:
        middle = (low + high) // 2
        if (yield versions[middle]):
            low = middle + 1
        else:
            high = middle
    return versions[high]
