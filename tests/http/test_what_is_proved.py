"""Every change of a case is tried on its files once it is out, however often the case was decided meanwhile."""

from collections.abc import Mapping
from typing import Any

import pytest

from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.commands import key_to, sigreq
from tests.database import write
from tests.embedded.support import query
from tests.flows import HARMLESS, after_test, approved, drafted, fixed, hit_by, marked, published, release_of
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def _determined_again(analyst: Client, held: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = analyst.determine(
        held["id"], held["revision"], "false_positive_confirmed", "clean", "As I said."
    )
    return found


@pytest.mark.parametrize("is_first", ["the change is out first", "the case is determined first"])
def test_a_change_approved_while_its_case_is_looked_at_again_is_proved(world: World, is_first: str) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    change = after_test(world.analyst, drafted(world.analyst, case))
    held = world.analyst.claim(case["id"], world.analyst.submission(case["id"])["revision"])
    if is_first == "the case is determined first":
        _determined_again(world.analyst, held)
    change = world.lead.approve_change(change["id"], change["revision"])
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    if is_first == "the change is out first":
        assert world.analyst.submission(case["id"])["state"] == "in_analysis"
        _determined_again(world.analyst, held)
    assert world.until(case["id"], "fixed")["fixed_in"] == "20261122.2"


def test_a_draft_that_a_new_determination_has_laid_aside_holds_up_no_proof(world: World) -> None:
    product = world.product({})
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    drafted(world.analyst, case, "Dropped", hit_by("Dropped"))
    held = world.analyst.claim(case["id"], world.analyst.submission(case["id"])["revision"])
    case = world.analyst.determine(case["id"], held["revision"], "false_negative_confirmed", "malware", "Otherwise.")
    change = approved(world, case, "Better", hit_by("Better"))
    published(world, product, "20261122.2", release_of(2, {"Better": hit_by("Better")}, [change]))
    assert world.until(case["id"], "fixed")["fixed_in"] == "20261122.2"


def test_what_was_out_when_its_case_came_back_is_not_tried_again_until_it_comes_out_anew(
    world: World, service: Service
) -> None:
    product, customer = world.product(), world.customer()
    case = fixed(world, customer, product)
    (change,) = world.analyst.submission(case["id"])["changes"]
    back = ["release", "rollback", "--product", product, "--to", "20261122.1", "--version", "20261122.3"]
    assert sigreq(*back, env=key_to(world.url, world.keys["release"])).returncode == 0
    waiting = world.until(case["id"], "queued")
    other = world.person("analyst")
    again = _determined_again(other, other.claim(case["id"], waiting["revision"]))
    assert again["state"] == "determined"
    change = after_test(other, world.analyst.change(change["id"]))
    change = world.lead.approve_change(change["id"], change["revision"])
    published(world, product, "20261122.4", release_of(4, {"Marker": HARMLESS}, [change]))
    assert world.until(case["id"], "fixed")["fixed_in"] == "20261122.4"
    customer.still_happens(case["id"], "It is still there.")
    third = world.person("analyst")
    _determined_again(third, third.claim(case["id"], world.until(case["id"], "queued")["revision"]))
    (proved,) = query(
        service.env["SIGREQ_DATABASE__URL"],
        "SELECT array_agg(args->>'submission_id') FROM job WHERE name = 'submission.prove'",
    )
    assert proved.count(case["id"]) == 2, "once for each time that the change came out"
    # As in a database of before, whose migration finds that it was not tried.
    write(service, "UPDATE change_submission SET is_awaited = true WHERE submission_id = :id", id=case["id"])
    assert world.until(case["id"], "fixed")["fixed_in"] == "20261122.4"


def test_a_change_of_a_case_that_came_back_is_tried_again_after_its_version_was_withdrawn(world: World) -> None:
    product, customer = world.product(), world.customer()
    case = fixed(world, customer, product)
    customer.still_happens(case["id"], "It is still there.")
    world.administrator.withdraw_release(product, "20261122.2")
    (listed,) = world.analyst.submission(case["id"])["changes"]
    change = world.analyst.change(listed["id"])
    assert change["state"] == "approved"
    other = world.person("analyst")
    again = _determined_again(other, other.claim(case["id"], world.until(case["id"], "queued")["revision"]))
    assert again["state"] == "determined"
    published(world, product, "20261122.3", release_of(3, {"Marker": HARMLESS}, [change]))
    assert world.until(case["id"], "fixed")["fixed_in"] == "20261122.3"


@pytest.mark.parametrize("shows_the_fault", [True, False])
def test_what_a_version_has_fixed_that_is_not_the_newest_any_more_is_tried_with_the_newest_too(
    world: World, *, shows_the_fault: bool
) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    change = after_test(world.analyst, drafted(world.analyst, case))
    held = world.analyst.claim(case["id"], world.analyst.submission(case["id"])["revision"])
    change = world.lead.approve_change(change["id"], change["revision"])
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    later = {"Marker": HARMLESS, "Later": (marked if shows_the_fault else hit_by)("Later")}
    world.administrator.publish(product, "20261122.3", release_of(3, later))
    _determined_again(world.analyst, held)
    if not shows_the_fault:
        assert world.until(case["id"], "fixed")["fixed_in"] == "20261122.2"
        return
    failed = world.until(case["id"], "in_analysis")
    assert (failed["fixed_in"], failed["needs_attention"]) == (None, "proof_failed")
    last = world.analyst.timeline(case["id"])["items"][-1]
    assert (last["name"], last["data"]["version"]) == ("proof_failed", "20261122.3")
    assert last["data"]["proof"][0]["detections"] == ["Later"]
