"""Going back to an earlier version: its content under a new number, and what came out since is undone."""

import json
from typing import Any

import pytest

from sigreq_client import Client
from tests.commands import key_to, sigreq
from tests.flows import HARMLESS, approved, fixed, hit_by, marked, published, refused, release_of
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def _back(world: World, product: str, version: str, *more: str) -> dict[str, Any]:
    """Have the release tool go back; what it said."""
    command = ["release", "rollback", "--product", product, "--to", version, *more, "--json"]
    done = sigreq(*command, env=key_to(world.url, world.keys["release"]))
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_old_content_comes_out_under_a_higher_number_and_the_fixed_case_reopens(world: World) -> None:
    product, customer = world.product(), world.customer()
    case = fixed(world, customer, product)
    told = _back(world, product, "20261122.1", "--version", "20261122.3")
    newest, bad, old = world.release.releases(product)["items"]
    assert (newest["version"], newest["ordinal"]) == (told["version"], 3) == ("20261122.3", 3)
    assert (newest["rolls_back_to"], newest["ruleset_digest"]) == ("20261122.1", old["ruleset_digest"])
    assert (bad["withdrawn_at"], bad["rolls_back_to"]) == (None, None)
    assert world.until(case["id"], "queued")["needs_attention"] == "regressed"
    change = next(each for each in world.analyst.changes()["items"] if case["id"] in each["submission_ids"])
    assert (change["state"], change["approved_by"], change["published_in"]) == ("gate_failed", None, None)
    assert [item["action"] for item in world.release.feed(product)["items"]] == ["approved", "published", "withdrawn"]


def test_going_back_twice_publishes_once(world: World) -> None:
    product = world.product()
    fixed(world, world.customer(), product)
    first = _back(world, product, "20261122.1", "--version", "20261122.3")
    again = _back(world, product, "20261122.1", "--version", "20261122.4")
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert (again["version"], len(world.release.releases(product)["items"])) == ("20261122.3", 3)


def test_what_was_undone_does_not_hold_up_the_next_version(world: World) -> None:
    product = world.product()
    undone = fixed(world, world.customer(), product)
    _back(world, product, "20261122.1", "--version", "20261122.3")
    world.until(undone["id"], "queued")
    latest = {"kind": "false_negative", "database_version": "20261122.3"}
    other = world.determined(world.analyst, world.customer(), product, **latest)
    change = approved(world, other, "Other", hit_by("Other"))
    rules = {"Marker": marked("Marker"), "Other": hit_by("Other")}
    assert published(world, product, "20261122.4", release_of(4, rules, [change]))["ordinal"] == 4


@pytest.mark.parametrize(
    ("to", "rules", "why"),
    [
        ("20261122.9", marked("Marker"), "never_published"),
        ("20261122.1", HARMLESS, "other_ruleset"),
    ],
)
def test_only_what_was_published_can_come_out_without_a_test_of_its_own(
    world: World, to: str, rules: str, why: str
) -> None:
    product = world.product()
    with refused(422, "rollback_unfit") as told:
        world.release.publish(product, "20261122.3", {**release_of(3, {"Marker": rules}), "rolls_back_to": to})
    assert told["why"]["code"] == why


def test_nothing_goes_back_to_a_withdrawn_version_and_no_change_comes_with_it(world: World) -> None:
    product = world.product()
    change = approved(world, world.determined(world.analyst, world.customer(), product))
    body = {**release_of(3, {"Marker": marked("Marker")}, [change]), "rolls_back_to": "20261122.1"}
    with refused(422, "rollback_unfit") as told:
        world.release.publish(product, "20261122.3", body)
    assert told["why"].items() >= {"code": "brings_changes", "changes": change["id"]}.items()
    world.administrator.withdraw_release(product, "20261122.1")
    with refused(422, "rollback_unfit") as told:
        world.release.publish(product, "20261122.3", {**body, "changes": []})
    assert told["why"]["code"] == "version_withdrawn"


def _clients(world: World) -> list[Client]:
    return [world.customer(), world.analyst, world.lead]


def test_only_release_tooling_goes_back(world: World) -> None:
    product = world.product()
    body = {**release_of(3, {"Marker": marked("Marker")}), "rolls_back_to": "20261122.1"}
    for client in _clients(world):
        with refused(403, "wrong_role"):
            client.publish(product, "20261122.3", body)
