"""Extras: an approved urgent change is in force within minutes, and goes with the next version."""

from typing import Any

import pytest

from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.database import write
from tests.flows import after_test, approved, drafted, hit_by, names, published, refused, release_of
from tests.world import MARKER, World, rule, wait_for

pytestmark = pytest.mark.usefixtures("balanced")

BASE, NEXT = "20261122.1", "20261122.2"
RULES = {"Marker": rule("Marker", MARKER.decode())}


@pytest.fixture
def product(world: World) -> str:
    return world.product()


def urgent(world: World, product: str, name: str = "Urgent") -> dict[str, Any]:
    """An approved change of the expedited track that adds a rule."""
    case = world.determined(world.analyst, world.customer("msa_start"), product, kind="false_negative")
    return approved(world, case, name, hit_by(name))


def ids(client: Client, product: str) -> list[str]:
    """What an update client would lay over the newest version."""
    return [each["id"] for each in client.extras(product)["items"]]


def ending_of(service_extra: dict[str, Any], world: World) -> str:
    """How it ended, which ending it once more does not change."""
    found: str = world.release.end_extra(service_extra["id"])["ending"]
    return found


def test_an_approved_urgent_change_is_in_force_at_once_for_everybody(world: World, product: str) -> None:
    change = urgent(world, product)
    made = world.release.publish_extra(change["id"], BASE, 6)
    assert (made["state"], made["base_version"], made["change_id"]) == ("live", BASE, change["id"])
    assert made["additions"] == {"rules": {"Urgent": hit_by("Urgent")}, "allowed": [], "hashes": {}}
    anybody = world.customer()
    world.submit(anybody, product)
    listed = anybody.extras(product)
    assert (listed["base_version"], [each["digest"] for each in listed["items"]]) == (BASE, [made["digest"]])
    assert set(listed["items"][0]).isdisjoint({"change_id", "proposed_by", "organisation"})
    assert world.lead.change(change["id"])["state"] == "approved", "it still waits for the next version"


def test_who_waits_for_the_change_is_told_that_it_is_in_force_and_when_that_is_over(world: World, product: str) -> None:
    client = world.customer("msa_start")
    case = world.determined(world.analyst, client, product, kind="false_negative")
    change = approved(world, case, "Urgent", hit_by("Urgent"))
    made = world.release.publish_extra(change["id"], BASE)
    told = client.timeline(case["id"])["items"][-1]
    assert (told["name"], told["state"], told["data"]["version"]) == ("extra_published", "determined", BASE)
    assert told["data"]["steps"][0].startswith("Have your product look for updates")
    world.publish(product, NEXT, {**RULES, "Other": rule("Other", "never there")})
    told = client.timeline(case["id"])["items"][-1]
    assert (told["name"], told["data"]["ending"]) == ("extra_ended", "base_replaced")
    world.release.end_extra(made["id"])
    assert names(client.timeline(case["id"])).count("extra_ended") == 1


def test_publishing_an_extra_again_makes_no_other(world: World, product: str) -> None:
    change = urgent(world, product)
    first = world.release.publish_extra(change["id"], BASE)
    assert world.release.publish_extra(change["id"], BASE) == first
    assert ids(world.release, product) == [first["id"]]


def test_a_version_that_includes_the_change_ends_its_extra(world: World, product: str) -> None:
    change = urgent(world, product)
    made = world.release.publish_extra(change["id"], BASE)
    published(world, product, NEXT, release_of(2, {**RULES, "Urgent": hit_by("Urgent")}, [change]))
    assert ids(world.release, product) == []
    assert ending_of(made, world) == "shipped"


def test_a_version_without_the_change_ends_its_extra_too_and_another_needs_a_pass_on_that(
    world: World, product: str
) -> None:
    change = urgent(world, product)
    made = world.release.publish_extra(change["id"], BASE)
    world.publish(product, NEXT, {**RULES, "Other": rule("Other", "never there")})
    assert ending_of(made, world) == "base_replaced"
    with refused(409, "base_replaced") as told:
        world.release.publish_extra(change["id"], BASE)
    assert told["newest"] == NEXT
    with refused(409, "gate_pass_stale") as told:
        world.release.publish_extra(change["id"], NEXT)
    assert told["why"].items() >= {"code": "other_newest", "tested": BASE, "newest": NEXT}.items()
    run = world.release.test_extra(change["id"])
    ended = wait_for(lambda: world.release.gate(run["id"]), lambda seen: seen["state"] != "running")
    assert (ended["state"], ended["base_version"]) == ("passed", NEXT)
    assert world.lead.change(change["id"])["state"] == "approved"
    assert world.release.publish_extra(change["id"], NEXT)["base_version"] == NEXT


def test_an_extra_stands_on_no_version_that_was_withdrawn(world: World, product: str) -> None:
    world.publish(product, NEXT)
    case = world.determined(
        world.analyst, world.customer("msa_start"), product, kind="false_negative", database_version=NEXT
    )
    change = approved(world, case, "Urgent", hit_by("Urgent"))
    made = world.release.publish_extra(change["id"], NEXT)
    world.administrator.withdraw_release(product, NEXT)
    assert ids(world.release, product) == []
    assert ending_of(made, world) == "base_withdrawn"


def test_a_withdrawn_change_takes_its_extra_with_it(world: World, product: str) -> None:
    change = urgent(world, product)
    made = world.release.publish_extra(change["id"], BASE)
    world.analyst.withdraw_change(change["id"], change["revision"], "A better one comes.")
    assert ids(world.release, product) == []
    assert ending_of(made, world) == "change_withdrawn"


def test_an_extra_ends_by_the_clock_and_may_be_made_again(world: World, service: Service, product: str) -> None:
    change = urgent(world, product)
    made = world.release.publish_extra(change["id"], BASE)
    write(service, "UPDATE extra SET expires_at = now() WHERE id = :id", id=made["id"])
    assert ids(world.release, product) == []
    again = world.release.publish_extra(change["id"], BASE)
    assert again["id"] != made["id"]
    assert ids(world.release, product) == [again["id"]]
    assert ending_of(made, world) == "expired"


def test_an_extra_is_taken_back_by_a_lead_or_release_tooling_only(world: World, product: str) -> None:
    made = world.release.publish_extra(urgent(world, product)["id"], BASE)
    with refused(403, "wrong_role"):
        world.analyst.end_extra(made["id"])
    assert world.lead.end_extra(made["id"])["ending"] == "taken_back"
    assert ids(world.release, product) == []


@pytest.mark.parametrize("role", ["administrator", "lead", "analyst"])
def test_extras_are_published_by_release_tooling_only(world: World, product: str, role: str) -> None:
    change = urgent(world, product)
    with refused(403, "wrong_role") as told:
        getattr(world, role).publish_extra(change["id"], BASE)
    assert told["allowed"] == "release"


def test_what_does_not_only_add_or_is_not_urgent_or_not_approved_is_refused(world: World, product: str) -> None:
    customer = world.customer("msa_start")
    modified = approved(world, world.determined(world.analyst, customer, product))
    with refused(422, "extra_unfit") as told:
        world.release.publish_extra(modified["id"], BASE)
    assert told["reason"].items() >= {"code": "not_additive", "possible": "hash_add, hash_allow, rule_add"}.items()
    missed = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    standard = approved(world, missed, "Patient", hit_by("Patient"))
    with refused(422, "extra_unfit") as told:
        world.release.publish_extra(standard["id"], BASE)
    assert told["reason"].items() >= {"code": "on_standard_track", "change": standard["id"]}.items()
    case = world.determined(world.analyst, customer, product, kind="false_negative")
    draft = drafted(world.analyst, case, "Draft", hit_by("Draft"))
    with refused(409, "state_forbids") as told:
        world.release.publish_extra(draft["id"], BASE)
    assert told["allowed"] == "approved, picked_up"


def test_an_extra_does_not_outlive_a_case_that_was_solved_before_it(world: World, product: str) -> None:
    change = urgent(world, product)
    rightly = world.claimed(world.analyst, world.customer(), product)
    said = ("correct_detection", "malware", "It is detected rightly.")
    world.analyst.determine(rightly["id"], rightly["revision"], *said)
    with refused(409, "gate_pass_stale") as told:
        world.release.publish_extra(change["id"], BASE)
    assert told["why"].items() >= {"code": "case_solved"}.items()


def test_an_urgent_file_is_allowed_by_an_extra_and_not_once_it_is_known_as_malware(world: World, product: str) -> None:
    content = MARKER + b" urgent " + product.encode()
    case = world.determined(world.analyst, world.customer("msa_start"), product, content=content)
    sha256 = world.analyst.submission(case["id"])["samples"][0]["sha256"]
    tested = after_test(world.analyst, world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": sha256}))
    change = world.lead.approve_change(tested["id"], tested["revision"])
    made = world.release.publish_extra(change["id"], BASE)
    assert made["additions"]["allowed"] == [sha256]
    world.release.end_extra(made["id"])
    bad = world.claimed(world.analyst, world.customer(), world.product(), content=content)
    said = ("correct_detection", "malware", "It is detected rightly.")
    world.analyst.determine(bad["id"], bad["revision"], *said)
    with refused(422, "known_malware"):
        world.release.publish_extra(change["id"], BASE)


def test_a_product_that_is_not_there_has_no_extras(world: World) -> None:
    with refused(404, "not_found"):
        world.customer().extras("no-such-product")
