"""How much of what a customer sends is unpacked, and how much people may keep."""

from dataclasses import dataclass


@dataclass(frozen=True)
class UnpackLimits:
    """What is read out of one sent file, at all depths together unless said. Beyond it, `archive_limit` is reported.

    `ratio` bounds the bytes read out of one archive, as a multiple of that archive's own size, with 1 MiB always
    allowed; `depth` counts archives in archives, the sent file being the first.
    """

    members: int = 1_000
    member_bytes: int = 256 << 20
    total_bytes: int = 1 << 30
    depth: int = 3
    ratio: int = 200
    seconds: int = 60


@dataclass(frozen=True)
class ListLimits:
    """How long the lists may become that people keep themselves: each is shown whole."""

    keys_of_a_person: int = 20
    views_of_a_person: int = 50
    texts_of_a_group: int = 200


LISTS = ListLimits()

# What the trade packs samples with; known to everybody, so they protect nothing.
CUSTOMARY_PASSWORDS = ("infected", "virus", "novirus", "malware")
