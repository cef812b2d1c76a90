"""The engines that signatures are made for."""

from enum import StrEnum


class Target(StrEnum):
    """An engine that a product's signatures are loaded by."""

    YARA = "yara"
    CLAMAV = "clamav"
