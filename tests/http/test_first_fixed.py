"""A fault that is mended already is answered with the first version that mended it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.flows import HARMLESS, hit_by
from tests.world import World, rule

pytestmark = pytest.mark.usefixtures("balanced")

BROKEN = "rule Broken { this does not compile }"


def published(world: World, *versions: dict[str, str] | None, kind: str = "false_positive") -> str:
    """A product with these rulesets as versions 20261122.2 and on, a few minutes apart."""
    product = world.product({} if kind == "false_negative" else None)
    for number, rules in enumerate(versions):
        ago = timedelta(minutes=5 * (len(versions) - number))
        world.publish(product, f"20261122.{number + 2}", rules, ago=ago)
    return product


def closed(world: World, product: str, kind: str = "false_positive") -> dict[str, Any]:
    return world.until(world.submit(world.customer(), product, kind=kind)["id"], "closed", "queued")


def other(number: int) -> dict[str, str]:
    """Rules that no longer hit our files, different in each version."""
    return {"Marker": HARMLESS, f"Other_{number}": rule(f"Other_{number}", f"text {number} of no file")}


@pytest.mark.parametrize("last_bad", [0, 1, 4, 8])
def test_the_first_of_many_versions_that_mended_a_false_positive_is_named(world: World, last_bad: int) -> None:
    versions = [None] * last_bad + [other(number) for number in range(9 - last_bad)]
    case = closed(world, published(world, *versions))
    assert (case["state"], case["determination"]) == ("closed", "already_fixed")
    assert case["fixed_in"] == f"20261122.{last_bad + 2}"
    rounds = {scan["purpose"]: (scan["version"], scan["outcome"]) for scan in case["scans"]}
    assert rounds == {
        "claimed": ("20261122.1", "detected"),
        "newest": ("20261122.10", "clean"),
        "first_fixed": (case["fixed_in"], "clean"),
    }


def test_the_first_version_that_detects_a_false_negative_is_named(world: World) -> None:
    good = {"Inert": hit_by("Inert")}
    product = published(world, {}, {"Nothing": rule("Nothing", "of no file")}, good, good, kind="false_negative")
    case = closed(world, product, "false_negative")
    assert (case["determination"], case["fixed_in"]) == ("already_detected", "20261122.4")


def test_a_version_that_cannot_be_scanned_with_counts_as_showing_the_fault(world: World) -> None:
    product = published(world, {"Broken": BROKEN}, other(1))
    case = closed(world, product)
    assert (case["determination"], case["fixed_in"]) == ("already_fixed", "20261122.3")


def test_a_withdrawn_version_is_not_named(world: World) -> None:
    product = published(world, other(1), other(2), other(3))
    world.administrator.withdraw_release(product, "20261122.2")
    assert closed(world, product)["fixed_in"] == "20261122.3"
