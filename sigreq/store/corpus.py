"""The clean corpus (stand-in until the real one is merged)."""

from collections.abc import Iterable, Sequence
from typing import Any

from sigreq.transaction import Transaction


async def revision(tx: Transaction) -> int:
    """Zero."""
    return 0 if tx else 0


async def page(tx: Transaction, after: str | None, limit: int) -> Sequence[Any]:
    """Nothing."""
    return [] if tx and after and limit else []


async def all_contents(tx: Transaction) -> Sequence[tuple[str, int]]:
    """Nothing."""
    return [] if tx else []


async def known_hashes(tx: Transaction, sha256s: Iterable[str]) -> set[str]:
    """Nothing."""
    return set() if tx and sha256s else set()
