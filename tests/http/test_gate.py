"""The gate: no fixed fault returns, no detection gets lost, and a pass holds only for what it saw."""

import hashlib
from typing import Any

import pytest

from sigreq_client import Client
from tests.flows import (
    HARMLESS,
    after_test,
    approved,
    drafted,
    fixed,
    gated,
    hit_by,
    names,
    published,
    refused,
    release_of,
)
from tests.world import MARKER, World, rule, wait_for

pytestmark = pytest.mark.usefixtures("balanced")


def test_a_new_rule_that_hits_a_case_fixed_before_does_not_pass(world: World) -> None:
    product, customer = world.product(), world.customer()
    before = fixed(world, customer, product, content=MARKER + b" precious")
    case = _miss(world, product, b"inert and precious")
    failed = after_test(world.analyst, drafted(world.analyst, case, "Broad", rule("Broad", "precious")))
    (problem,) = _problems(failed)
    assert (problem["code"], problem["submission_id"]) == ("detected_again", before["id"])
    assert (problem["signatures"], problem["engine"]) == (["Broad"], "yara")
    narrower = {"rule": "Broad", "source": rule("Broad", "inert and precious")}
    revised = world.analyst.revise_change(failed["id"], failed["revision"], narrower)
    passed = after_test(world.analyst, revised)
    assert passed["state"] == "tested"
    assert passed["report"]["scanned"]["earlier"] | {"seconds": 0} == {
        "cases": 1, "files": 1, "bytes": len(MARKER + b" precious"), "seconds": 0,
    }  # fmt: skip


def test_a_hash_of_a_file_that_was_found_clean_does_not_pass(world: World) -> None:
    product, customer = world.product(), world.customer()
    content = MARKER + b" the same for both"
    fixed(world, customer, product, content=content)
    case = _miss(world, product, content, database_version="20261122.2")
    payload = {"sha256": _sha256(world, case), "name": "Known_File"}
    failed = after_test(world.analyst, world.analyst.draft_change([case["id"]], "hash_add", payload))
    assert {each["code"] for each in _problems(failed)} == {"detected_again"}


@pytest.mark.parametrize("kind", ["rule_modify", "sig_disable", "sig_retire", "hash_allow"])
def test_a_change_that_takes_away_what_another_case_needs_does_not_pass(world: World, kind: str) -> None:
    product = world.product({"Marker": rule("Marker", "needed")})
    content = b"needed here"
    case = world.determined(world.analyst, world.customer(), product, content=content)
    payload: dict[str, Any] = {
        "rule_modify": {"rule": "Marker", "source": HARMLESS},
        "sig_disable": {"signature": "Marker", "pin": _pin(rule("Marker", "needed"))},
        "sig_retire": {"signature": "Marker"},
        "hash_allow": {"sha256": _sha256(world, case)},
    }[kind]
    change = world.analyst.draft_change([case["id"]], kind, payload)
    missed = _detected_rightly(world, product, content if kind == "hash_allow" else b"needed there")
    (problem,) = _problems(after_test(world.analyst, change))
    assert (problem["code"], problem["submission_id"]) == ("detection_lost", missed["id"])


def test_a_disabled_rule_is_published_and_not_used(world: World) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    payload = {"signature": "Marker", "pin": _pin(rule("Marker", MARKER.decode()))}
    change = world.analyst.draft_change([case["id"]], "sig_disable", payload)
    tested = after_test(world.analyst, change)
    change = world.lead.approve_change(tested["id"], tested["revision"])
    body = release_of(2, {"Marker": rule("Marker", MARKER.decode())}, [change])
    body["ruleset"]["disabled"] = {"Marker": change["payload"]["pin"]}
    published(world, product, "20261122.2", body)
    found = world.until(case["id"], "fixed", "in_analysis")
    assert (found["state"], found["resolution"]) == ("fixed", "signature_disabled")


def test_a_file_can_be_detected_by_its_hash_alone(world: World) -> None:
    product = world.product({})
    case = _miss(world, product, b"no rule would find this")
    payload = {"sha256": _sha256(world, case), "name": "Acme_Single_File"}
    tested = after_test(world.analyst, world.analyst.draft_change([case["id"]], "hash_add", payload))
    assert tested["state"] == "tested", tested["report"]
    change = world.lead.approve_change(tested["id"], tested["revision"])
    body = release_of(2, {}, [change])
    body["ruleset"]["hashes"] = {payload["sha256"]: payload["name"]}
    published(world, product, "20261122.2", body)
    found = world.until(case["id"], "fixed", "in_analysis")
    proof = [scan for scan in found["scans"] if scan["purpose"] == "proof"]
    assert (found["state"], proof[0]["detections"]) == ("fixed", ["Acme_Single_File"])


def test_a_pass_does_not_outlive_a_case_that_is_solved_meanwhile(world: World) -> None:
    product, customer = world.product(), world.customer()
    case = _miss(world, product, b"inert")
    tested = after_test(world.analyst, drafted(world.analyst, case, "Found", hit_by("Found")))
    other = world.claimed(world.analyst, customer, product)
    world.analyst.determine(other["id"], other["revision"], "correct_detection", "malware", "It is detected rightly.")
    with refused(409, "gate_pass_stale") as told:
        world.lead.approve_change(tested["id"], tested["revision"])
    assert told["why"].items() >= {"code": "case_solved"}.items()
    again = after_test(world.analyst, tested)
    assert world.lead.approve_change(again["id"], again["revision"])["state"] == "approved"


def test_the_number_of_a_case_that_reopened_is_not_given_again_behind_the_back_of_a_pass(world: World) -> None:
    product, customer = world.product(), world.customer()
    reopened = _detected_rightly(world, product, MARKER + b" reopened", customer)
    case, other = _miss(world, product, b"inert"), world.claimed(world.analyst, customer, product)
    tested = after_test(world.analyst, drafted(world.analyst, case, "Found", hit_by("Found")))
    seen = tested["report"]["newest_case"]
    customer.dispute(reopened["id"], "It is harmless.")
    again = after_test(world.analyst, tested)
    assert again["report"]["newest_case"] == seen
    world.analyst.determine(other["id"], other["revision"], "correct_detection", "malware", "It is detected rightly.")
    with refused(409, "gate_pass_stale") as told:
        world.lead.approve_change(again["id"], again["revision"])
    assert told["why"].items() >= {"code": "case_solved"}.items()


def test_a_pass_does_not_outlive_a_change_that_it_was_tested_with(world: World) -> None:
    product = world.product({"One": rule("One", "alpha"), "Two": rule("Two", "beta")})
    tested = []
    for name, content in (("One", b"alpha alone"), ("Two", b"alpha and beta")):
        case = world.determined(world.analyst, world.customer(), product, content=content)
        change = world.analyst.draft_change([case["id"]], "sig_retire", {"signature": name})
        tested.append(after_test(world.analyst, change))
        if name == "One":
            tested[0] = world.lead.approve_change(*_held(tested[0]))
    assert [each["state"] for each in tested] == ["approved", "tested"], "nothing hits the second any more either"
    world.lead.withdraw_change(*_held(tested[0]), "not now")
    with refused(409, "gate_pass_stale") as told:
        world.lead.approve_change(*_held(tested[1]))
    assert told["why"].items() >= {"code": "companion_gone", "changes": tested[0]["id"]}.items()
    assert {each["code"] for each in _problems(after_test(world.analyst, tested[1]))} == {"still_detected"}


def test_two_changes_that_take_away_are_not_approved_side_by_side(world: World) -> None:
    product = world.product({"One": rule("One", "alpha"), "Two": rule("Two", "beta")})
    _detected_rightly(world, product, b"alpha and beta")
    tested = []
    for name, word in (("One", b"alpha alone"), ("Two", b"beta alone")):
        case = world.determined(world.analyst, world.customer(), product, content=word)
        change = world.analyst.draft_change([case["id"]], "sig_retire", {"signature": name})
        tested.append(after_test(world.analyst, change))
    assert {change["state"] for change in tested} == {"tested"}, "each alone leaves the other rule"
    world.lead.approve_change(*_held(tested[0]))
    with refused(409, "gate_pass_stale") as told:
        world.lead.approve_change(*_held(tested[1]))
    assert told["why"].items() >= {"code": "rival_approved", "changes": tested[0]["id"]}.items()
    again = after_test(world.analyst, tested[1])
    assert {each["code"] for each in _problems(again)} == {"detection_lost"}


def test_a_train_without_a_pass_of_its_own_is_not_published(world: World) -> None:
    product = world.product()
    change = approved(world, world.determined(world.analyst, world.customer(), product))
    body = release_of(2, {"Marker": HARMLESS}, [change])
    with refused(409, "train_not_gated"):
        world.release.publish(product, "20261122.2", body)
    other = release_of(2, {"Marker": HARMLESS, "More": rule("More", "never there")}, [change])
    assert gated(world, product, "20261122.2", body)["state"] == "passed"
    with refused(409, "train_not_gated"):
        world.release.publish(product, "20261122.2", other)
    world.release.publish(product, "20261122.2", body)


def test_a_train_that_brings_a_fixed_false_positive_back_is_stopped(world: World) -> None:
    product, customer = world.product(), world.customer()
    before = fixed(world, customer, product)
    run = gated(world, product, "20261122.3", release_of(3, {"Marker": HARMLESS, "New": rule("New", MARKER.decode())}))
    assert run["state"] == "failed"
    assert [(each["code"], each["submission_id"]) for each in run["report"]["problems"]] == [
        ("detected_again", before["id"])
    ]


def test_a_version_that_brings_a_fixed_false_positive_back_reopens_it_and_tells_everyone(world: World) -> None:
    product, customer = world.product(), world.customer()
    case = fixed(world, customer, product)
    customer.confirm(case["id"])
    world.publish(product, "20261122.3", {"Marker": HARMLESS, "New": rule("New", MARKER.decode())})
    back = world.until(case["id"], "queued")
    assert (back["needs_attention"], back["fixed_in"], back["answered_at"]) == ("regressed", None, None)
    told = customer.timeline(case["id"])["items"][-1]
    assert (told["name"], told["data"]["version"], told["data"]["fixed_in"]) == (
        "regressed",
        "20261122.3",
        "20261122.2",
    )
    assert told["data"]["files"][0]["detections"] == ["New"]
    assert names(world.analyst.timeline(case["id"])).count("regressed") == 1


def test_what_a_customer_withdrew_is_not_reopened(world: World) -> None:
    product, customers = world.product(), [world.customer(), world.customer()]
    cases = [world.determined(world.analyst, each, product) for each in customers]
    payload = {"rule": "Marker", "source": HARMLESS}
    change = world.analyst.draft_change([case["id"] for case in cases], "rule_modify", payload)
    change = world.lead.approve_change(*_held(after_test(world.analyst, change)))
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    for case in cases:
        world.until(case["id"], "fixed")
    customers[0].withdraw(cases[0]["id"])
    world.publish(product, "20261122.3", {"Marker": HARMLESS, "New": rule("New", MARKER.decode())})
    world.until(cases[1]["id"], "queued")
    assert world.analyst.submission(cases[0]["id"])["state"] == "closed"


def test_the_progress_of_a_run_can_be_watched(world: World) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    change = world.analyst.test_change(*_held(drafted(world.analyst, case)))
    run = wait_for(lambda: world.release.gate(change["gate"]), lambda seen: seen["state"] != "running")
    assert (run["state"], run["purpose"], run["subject"]) == ("passed", "change", change["id"])
    assert run["done"] == run["total"] == 1
    with refused(404, "not_found"):
        world.release.gate("GR-0000-0000-0000")
    with refused(403, "wrong_role"):
        world.customer().gate(run["id"])


def _pin(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _held(change: dict[str, Any]) -> tuple[str, int]:
    return change["id"], change["revision"]


def _problems(change: dict[str, Any]) -> list[dict[str, Any]]:
    assert change["state"] == "gate_failed", change
    found: list[dict[str, Any]] = change["report"]["problems"]
    return found


def _sha256(world: World, case: dict[str, Any]) -> str:
    found: str = world.analyst.submission(case["id"])["samples"][0]["sha256"]
    return found


def _miss(world: World, product: str, content: bytes, **more: Any) -> dict[str, Any]:
    return world.determined(world.analyst, world.customer(), product, kind="false_negative", content=content, **more)


def _detected_rightly(world: World, product: str, content: bytes, customer: Client | None = None) -> dict[str, Any]:
    held = world.claimed(world.analyst, customer or world.customer(), product, content=content)
    said = ("correct_detection", "malware", "It is detected rightly.")
    found: dict[str, Any] = world.analyst.determine(held["id"], held["revision"], *said)
    return found
