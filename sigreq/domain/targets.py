"""The engines that signatures are made for."""

from collections.abc import Iterable
from enum import StrEnum


class Target(StrEnum):
    """An engine that a product's signatures are loaded by."""

    YARA = "yara"
    CLAMAV = "clamav"


def in_order(targets: Iterable[str]) -> list[Target]:
    """Each once, as they are written everywhere."""
    return [each for each in Target if each in set(targets)]
