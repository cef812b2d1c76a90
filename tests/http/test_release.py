"""Publishing: all or nothing, proved on the customer's own file before anybody says `fixed`."""

from typing import Any

import pytest

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.flows import (
    HARMLESS,
    after_test,
    approved,
    call,
    drafted,
    gated,
    hit_by,
    marked,
    names,
    published,
    refused,
    release_of,
)
from tests.world import World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")


def _approved(world: World, product: str, customer: Client | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    case = world.determined(world.analyst, customer or world.customer(), product)
    return case, approved(world, case)


def test_a_published_false_positive_is_fixed_once_it_is_proved(world: World) -> None:
    product, customer = world.product(), world.customer()
    case, change = _approved(world, product, customer)
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    found = world.until(case["id"], "fixed", "in_analysis")
    assert (found["state"], found["fixed_in"], found["resolution"]) == ("fixed", "20261122.2", "signature_modified")
    proof = [scan for scan in found["scans"] if scan["purpose"] == "proof"]
    assert [(scan["version"], scan["outcome"]) for scan in proof] == [("20261122.2", "clean")]
    assert names(customer.timeline(case["id"]))[-3:] == ["determined", "fix_approved", "fixed"]
    evidence = customer.timeline(case["id"])["items"][-1]["data"]["evidence"]
    (release, _) = world.release.releases(product)["items"]
    assert (evidence["version"], evidence["ruleset_sha256"]) == ("20261122.2", release["ruleset_digest"])
    assert evidence["engine"].startswith("YARA")


def test_a_published_version_is_compiled_for_both_tracks_before_any_case_needs_it(
    world: World, service: Service
) -> None:
    rules = {"Marker": marked("Marker"), "Unique": hit_by("Unique")}
    world.publish(world.product(), "20261122.2", rules)
    compiled = f"worker-*/rulesets/{Ruleset(rules).digest}.yarc"
    wait_for(lambda: list((service.data / "work").glob(compiled)), lambda found: len(found) == len(Track))


def test_a_published_false_negative_is_fixed_once_it_is_proved(world: World) -> None:
    product = world.product({})
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    change = approved(world, case, "Found", hit_by("Found"))
    published(world, product, "20261122.2", release_of(2, {"Found": hit_by("Found")}, [change]))
    found = world.until(case["id"], "fixed", "in_analysis")
    assert (found["state"], found["resolution"]) == ("fixed", "signature_added")
    assert [scan["detections"] for scan in found["scans"] if scan["purpose"] == "proof"] == [["Found"]]


def test_an_allowed_file_is_fixed_though_the_rule_stays(world: World) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    sha256 = world.analyst.submission(case["id"])["samples"][0]["sha256"]
    tested = after_test(world.analyst, world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": sha256}))
    change = world.lead.approve_change(tested["id"], tested["revision"])
    rules = {"Marker": marked("Marker")}
    with refused(422, "change_not_in_ruleset"):
        world.release.publish(product, "20261122.2", release_of(2, rules, [change]))
    published(world, product, "20261122.2", release_of(2, rules, [change], allowed=[sha256]))
    found = world.until(case["id"], "fixed", "in_analysis")
    assert (found["state"], found["resolution"]) == ("fixed", "allowlisted")


def test_a_release_that_does_not_help_is_never_called_fixed(world: World) -> None:
    product, customer = world.product(), world.customer()
    case, change = _approved(world, product, customer)
    rules = {"Marker": HARMLESS, "Newcomer": marked("Newcomer")}
    world.administrator.publish(product, "20261122.2", release_of(2, rules, [change]))
    found = world.until(case["id"], "fixed", "in_analysis")
    assert (found["state"], found["needs_attention"], found["fixed_in"]) == ("in_analysis", "proof_failed", None)
    assert found["analyst"] == case["analyst"]
    told = customer.timeline(case["id"])["items"]
    assert "fixed" not in [item["name"] for item in told]
    assert told[-1]["name"] == "proof_failed"
    assert told[-1]["data"]["proof"][0]["detections"] == ["Newcomer"]
    again = world.analyst.determine(case["id"], found["revision"], "false_positive_confirmed", "clean", "One more.")
    second = world.analyst.draft_change([again["id"]], "rule_modify", _payload("Newcomer"))
    second = after_test(world.analyst, second)
    second = world.lead.approve_change(second["id"], second["revision"])
    harmless = {"Marker": HARMLESS, "Newcomer": _payload("Newcomer")["source"]}
    published(world, product, "20261122.3", release_of(3, harmless, [second]))
    mended = world.until(case["id"], "fixed")
    assert (mended["fixed_in"], mended["needs_attention"]) == ("20261122.3", None)


def test_two_changes_for_one_case_are_both_out_before_it_is_fixed(world: World) -> None:
    product = world.product({})
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    older = approved(world, case, "Older", hit_by("Older"))
    newer = approved(world, case, "Newer", hit_by("Newer"))
    published(world, product, "20261122.2", release_of(2, {"Newer": hit_by("Newer")}, [newer]))
    assert world.analyst.submission(case["id"])["state"] == "determined"
    both = {"Newer": hit_by("Newer"), "Older": hit_by("Older")}
    published(world, product, "20261122.3", release_of(3, both, [older]))
    found = world.until(case["id"], "fixed", "in_analysis")
    assert (found["state"], found["fixed_in"]) == ("fixed", "20261122.3"), "the version that holds both is proved"


def test_withdrawing_the_last_open_change_lets_the_published_one_be_proved(world: World) -> None:
    product = world.product({})
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    one = approved(world, case, "One", hit_by("One"))
    other = drafted(world.analyst, case, "Other", hit_by("Other"))
    published(world, product, "20261122.2", release_of(2, {"One": hit_by("One")}, [one]))
    world.analyst.withdraw_change(other["id"], other["revision"], "One is enough.")
    assert world.until(case["id"], "fixed", "in_analysis")["fixed_in"] == "20261122.2"


def test_one_unknown_change_and_nothing_is_published(world: World) -> None:
    product = world.product()
    _, change = _approved(world, product)
    unknown = {"id": "CH-0000-0000-0000", "rev": 1, "is_included": True}
    body = release_of(2, {"Marker": HARMLESS}, [change])
    body["changes"].append(unknown)
    with refused(422, "change_unknown") as told:
        world.release.publish(product, "20261122.2", body)
    assert told["changes"] == "CH-0000-0000-0000"
    assert [row["version"] for row in world.release.releases(product)["items"]] == ["20261122.1"]
    assert world.analyst.change(change["id"])["state"] == "approved"
    assert len(world.release.feed(product)["items"]) == 1


def test_a_change_reported_as_included_must_be_in_the_rules(world: World) -> None:
    product = world.product()
    _, change = _approved(world, product)
    with refused(422, "change_not_in_ruleset") as told:
        world.release.publish(product, "20261122.2", release_of(2, {"Marker": marked("Marker")}, [change]))
    assert told["change"] == change["id"]
    assert world.analyst.change(change["id"])["state"] == "approved"


def test_a_change_in_another_revision_is_not_the_approved_one(world: World) -> None:
    product = world.product()
    _, change = _approved(world, product)
    with refused(422, "change_unknown"):
        world.release.publish(product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [{**change, "rev": 2}]))


def test_a_change_that_the_release_left_out_goes_back_to_the_analyst(world: World) -> None:
    product = world.product()
    case, change = _approved(world, product)
    left_out = [{"id": change["id"], "rev": 1, "is_included": False, "reason": "It broke the build."}]
    published(world, product, "20261122.2", release_of(2, {"Marker": marked("Marker")}, built=left_out))
    assert world.analyst.change(change["id"])["state"] == "gate_failed"
    assert [item["action"] for item in world.release.feed(product)["items"]] == ["approved", "withdrawn"]
    assert world.analyst.submission(case["id"])["state"] == "determined"


def test_the_same_release_again_is_no_error_and_another_one_is(world: World) -> None:
    product = world.product()
    _, change = _approved(world, product)
    body = release_of(2, {"Marker": HARMLESS}, [change])
    assert gated(world, product, "20261122.2", body)["state"] == "passed"
    path = f"/v1/releases/{product}/20261122.2"
    first, again = (call(world, world.keys["release"], "PUT", path, json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    with refused(409, "release_exists"):
        world.release.publish(product, "20261122.2", release_of(2, {"Marker": marked("Marker")}, [change]))
    with refused(409, "release_exists"):
        world.release.publish(product, "20261122.002", release_of(3, {"Marker": HARMLESS}))
    assert len(world.release.releases(product)["items"]) == 2


@pytest.mark.parametrize("ordinal", [0, 1])
def test_a_release_needs_a_higher_ordinal_than_any_before(world: World, ordinal: int) -> None:
    product = world.product()
    with refused(409, "ordinal_not_higher") as told:
        world.release.publish(product, "20261122.2", release_of(ordinal, {"Marker": HARMLESS}))
    assert told["highest"] == 1


def test_a_release_is_published_by_release_tooling_only(world: World) -> None:
    product = world.product()
    for client in (world.customer(), world.analyst, world.lead):
        with refused(403, "wrong_role"):
            client.publish(product, "20261122.2", release_of(2, {"Marker": HARMLESS}))


def test_a_case_withdrawn_meanwhile_is_not_called_fixed(world: World) -> None:
    product, customer = world.product(), world.customer()
    case, change = _approved(world, product, customer)
    customer.withdraw(case["id"])
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    out = wait_for(lambda: world.analyst.change(change["id"]), lambda seen: seen["state"] == "published")
    assert out["published_in"] == "20261122.2"
    found = world.analyst.submission(case["id"])
    assert (found["state"], found["resolution"], found["fixed_in"]) == ("closed", "withdrawn", None)


def _payload(name: str) -> dict[str, str]:
    return {"rule": name, "source": HARMLESS.replace("Marker", name)}
