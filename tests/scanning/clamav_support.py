"""The installed ClamAV, for tests. Without it they fail: what was not tested did not pass."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import ScanResult
from sigreq.scanning.clamav import ClamAv
from sigreq.scanning.clamav_grounds import Bundle
from sigreq.scanning.clamav_programs import Programs
from tests.world import rule

T = TypeVar("T")

WITHOUT = "SIGREQ_TEST_WITHOUT_CLAMAV"
needs_clamav = pytest.mark.skipif(os.environ.get(WITHOUT) == "1", reason=f"{WITHOUT} says so")


def installed() -> Programs:
    found = Programs.find()
    assert found is not None, f"ClamAV is not installed; `make` as root installs it, {WITHOUT}=1 leaves these tests out"
    return found


def with_clamav(
    work: Callable[[ClamAv], Awaitable[T]], tmp_path: Path, *, timeout: float = 60, programs: Programs | None = None
) -> T:
    async def run() -> T:
        return await work(ClamAv(programs or installed(), tmp_path / "work", timeout=timedelta(seconds=timeout)))

    return asyncio.run(run())


def load(tmp_path: Path, bundle: Bundle, programs: Programs | None = None) -> str | None:
    return with_clamav(lambda clamav: clamav.load(bundle), tmp_path, programs=programs)


def scan(
    tmp_path: Path,
    bundle: Bundle,
    contents: Mapping[str, bytes],
    *,
    timeout: float = 60,
    programs: Programs | None = None,
) -> Mapping[str, ScanResult]:
    """What ClamAV says of these contents, which lie in files of these names."""
    folder = tmp_path / "samples"
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return with_clamav(
        lambda clamav: clamav.scan(bundle, folder, list(contents)), tmp_path, timeout=timeout, programs=programs
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


ALLOWED = b"inert alpha, and allowed"
BY_HASH = b"only its hash is known"
RULESET = Ruleset(
    {"Alpha": rule("Alpha", "inert alpha"), "Beta": rule("Beta", "inert beta")},
    frozenset({sha256(ALLOWED)}),
    {sha256(BY_HASH): "Known_File"},
)
BUNDLE = Bundle.of(RULESET)
