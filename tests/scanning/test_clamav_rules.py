"""What the lint says of ClamAV is asked of the ClamAV that is installed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import ScanResult
from sigreq.scanning.clamav import ClamAv
from sigreq.scanning.clamav_grounds import Bundle
from tests.rules_for_clamav import DEADLY, SUPPORTED, UNSUPPORTED, Case
from tests.scanning.clamav_support import needs_clamav, with_clamav

pytestmark = needs_clamav


@dataclass(frozen=True)
class Tried:
    """Why a rule is not loaded (asked of those that should be), and what a file shows that it should fire on."""

    why: str | None
    result: ScanResult


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tried]:
    """All rules by what they are about, each in a bundle of its own."""
    folder = tmp_path_factory.mktemp("rules")

    async def try_one(clamav: ClamAv, number: int, case: Case) -> Tried:
        samples = folder / str(number)
        samples.mkdir()
        (samples / "sample").write_bytes(case.content)
        bundle = Bundle.of(Ruleset({"Marker": case.source}))
        found = await clamav.scan(bundle, samples, ["sample"])
        why = None if case in UNSUPPORTED else await clamav.load(bundle)
        return Tried(why, found["sample"])

    async def try_all(clamav: ClamAv, cases: Sequence[Case]) -> list[Tried]:
        return await asyncio.gather(*(try_one(clamav, *each) for each in enumerate(cases)))

    cases = [*SUPPORTED, *UNSUPPORTED, *DEADLY]
    found = with_clamav(lambda clamav: try_all(clamav, cases), folder)
    return {case.what: each for case, each in zip(cases, found, strict=True)}


@pytest.mark.parametrize("what", [case.what for case in SUPPORTED])
def test_what_the_lint_lets_through_is_loaded_and_fires(tried: dict[str, Tried], what: str) -> None:
    assert (tried[what].why, tried[what].result.detections) == (None, ("Marker",))


@pytest.mark.parametrize("what", [case.what for case in UNSUPPORTED])
def test_what_the_lint_refuses_does_not_fire_here(tried: dict[str, Tried], what: str) -> None:
    assert tried[what].result.detections == ()


@pytest.mark.parametrize("what", [case.what for case in DEADLY])
def test_what_the_lint_calls_deadly_is(tried: dict[str, Tried], what: str) -> None:
    assert "dies of it" in (tried[what].why or "")
