"""Which files are alike, by their TLSH digests alone."""

import heapq
from collections.abc import Iterable, Iterator
from typing import TypeVar

import tlsh  # type: ignore[import-not-found] # ships no types

Key = TypeVar("Key")


def near(digest: str, others: Iterable[tuple[Key, str]], limit: int, at_most: int = 70) -> list[tuple[Key, int]]:
    """At most `limit` of the `others` whose distance is not above `at_most`, with that distance, nearest first.

    Equally near ones keep their order. 0 is the same or nearly so; above 70 likeness is mostly chance. What is no
    digest is passed over, and nothing is near to it.
    """
    return heapq.nsmallest(limit, _distances(digest, others, at_most), key=lambda found: found[1])


def _distances(digest: str, others: Iterable[tuple[Key, str]], at_most: int) -> Iterator[tuple[Key, int]]:
    for key, other in others:
        try:
            distance = tlsh.diff(digest, other)
        except ValueError:
            continue
        if distance <= at_most:
            yield key, distance
