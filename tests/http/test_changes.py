"""Signature changes: drafted, tested at the gate, approved by somebody else, or sent back."""

import pytest

from tests.flows import HARMLESS, after_test, approved, call, drafted, hit_by, marked, published, refused, release_of
from tests.world import World, rule

pytestmark = pytest.mark.usefixtures("balanced")


def test_a_change_is_drafted_only_for_a_determined_case(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    with refused(409, "state_forbids") as told:
        drafted(world.analyst, case)
    assert (told["state"], told["allowed"]) == ("in_analysis", "determined")


def test_an_allowed_file_does_not_help_a_false_negative(world: World) -> None:
    case = world.determined(world.analyst, world.customer(), world.product({}), kind="false_negative")
    with refused(422, "change_unfit") as told:
        world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": _sample(world, case["id"])})
    assert "rule_add" in told["detail"]


def test_a_new_rule_does_not_help_a_false_positive(world: World) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    with refused(422, "change_unfit") as told:
        drafted(world.analyst, case, "Another", rule("Another", "text"))
    assert "hash_allow" in told["detail"]


def test_only_the_customers_own_file_can_be_allowed(world: World) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    with refused(422, "change_unfit") as told:
        world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": "0" * 64})
    assert told["reason"].items() >= {"code": "sample_foreign", "sha256": "0" * 64}.items()


def test_cases_of_different_products_need_different_changes(world: World) -> None:
    customer = world.customer()
    ids = [world.determined(world.analyst, customer, world.product())["id"] for _ in range(2)]
    with refused(422, "change_unfit"):
        world.analyst.draft_change(ids, "rule_modify", {"rule": "Marker", "source": HARMLESS})


def test_one_msa_case_makes_the_change_expedited(world: World) -> None:
    product = world.product()
    cases = [world.determined(world.analyst, world.customer(plan), product) for plan in ("standard", "msa_start")]
    change = world.analyst.draft_change(
        [case["id"] for case in cases], "rule_modify", {"rule": "Marker", "source": HARMLESS}
    )
    assert (change["track"], sorted(change["submission_ids"])) == ("expedited", sorted(case["id"] for case in cases))


@pytest.mark.parametrize(
    ("name", "source", "problem"),
    [
        ("Marker", marked("Marker"), "still detected by Marker"),
        ("Marker", "rule Marker { condition: nonsense", "does not compile"),
        ("Marker", rule("Other", "text"), "Other"),
    ],
    ids=["the rule still hits", "the rule does not compile", "the file holds a rule of another name"],
)
def test_the_gate_says_why_it_failed_and_lets_a_better_revision_pass(
    world: World, name: str, source: str, problem: str
) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    failed = after_test(world.analyst, drafted(world.analyst, case, name, source))
    assert (failed["state"], failed["tested_against"]) == ("gate_failed", None)
    assert not failed["report"]["is_passed"]
    assert problem in " ".join(each["message"] for each in failed["report"]["problems"])
    with refused(409, "state_forbids"):
        world.lead.approve_change(failed["id"], failed["revision"])
    better = world.analyst.revise_change(failed["id"], failed["revision"], {"rule": "Marker", "source": HARMLESS})
    assert (better["state"], better["rev"], better["report"]) == ("drafted", 2, None)
    passed = after_test(world.analyst, better)
    assert (passed["state"], passed["tested_against"]) == ("tested", "20261122.1")
    assert passed["report"]["scanned"]["requested"]["files"] == 1


def test_a_new_rule_must_hit_the_infected_file(world: World) -> None:
    case = world.determined(world.analyst, world.customer(), world.product({}), kind="false_negative")
    failed = after_test(world.analyst, drafted(world.analyst, case, "Missing", rule("Missing", "not in the file")))
    assert failed["state"] == "gate_failed"
    assert "is not detected by Missing" in failed["report"]["problems"][0]["message"]
    revised = world.analyst.revise_change(
        failed["id"], failed["revision"], {"rule": "Missing", "source": hit_by("Missing")}
    )
    assert after_test(world.analyst, revised)["state"] == "tested"


def test_a_rule_that_is_not_there_cannot_be_modified(world: World) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    change = world.analyst.draft_change([case["id"]], "rule_modify", {"rule": "Absent", "source": rule("Absent", "x")})
    failed = after_test(world.analyst, change)
    assert failed["state"] == "gate_failed"
    assert "no rule Absent" in failed["report"]["problems"][0]["message"]


def test_who_wrote_a_change_cannot_approve_it_and_another_can(world: World) -> None:
    writer = world.person("lead")
    case = world.determined(writer, world.customer(), world.product())
    tested = after_test(writer, drafted(writer, case))
    with refused(403, "four_eyes") as told:
        writer.approve_change(tested["id"], tested["revision"])
    assert told["rev"] == 1
    done = world.lead.approve_change(tested["id"], tested["revision"])
    assert done["state"] == "approved"
    assert done["approved_by"] != done["written_by"]
    names = {each["id"]: each["name"] for each in world.administrator.people()["items"]}
    assert [done[f"{by}_name"] for by in ("written_by", "approved_by")] == [
        names[done[by]] for by in ("written_by", "approved_by")
    ]


def test_an_analyst_cannot_approve(world: World) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    tested = after_test(world.analyst, drafted(world.analyst, case))
    with refused(403, "wrong_role"):
        world.person("analyst").approve_change(tested["id"], tested["revision"])


def test_a_pass_is_stale_once_a_newer_version_is_published(world: World) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    tested = after_test(world.analyst, drafted(world.analyst, case))
    world.publish(product, "20261122.2")
    with refused(409, "gate_pass_stale") as told:
        world.lead.approve_change(tested["id"], tested["revision"])
    assert told["why"].items() >= {"code": "other_newest", "tested": "20261122.1", "newest": "20261122.2"}.items()
    assert "tested against 20261122.1, and 20261122.2 is the newest" in told["detail"]
    assert world.lead.change(tested["id"])["state"] == "tested", "a refused approval leaves nothing behind"
    assert world.release.feed(product)["items"] == []
    again = after_test(world.analyst, tested)
    assert world.lead.approve_change(again["id"], again["revision"])["state"] == "approved"


def test_a_rejected_change_goes_back_to_its_writer(world: World) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    tested = after_test(world.analyst, drafted(world.analyst, case))
    rejected = world.lead.reject_change(tested["id"], tested["revision"], "Far too narrow.")
    assert rejected["state"] == "drafted"
    with refused(409, "state_forbids"):
        world.lead.approve_change(rejected["id"], rejected["revision"])


def test_a_withdrawn_approval_is_told_in_the_feed(world: World) -> None:
    product = world.product()
    change = approved(world, world.determined(world.analyst, world.customer(), product))
    withdrawn = world.analyst.withdraw_change(change["id"], change["revision"], "A better one comes.")
    assert withdrawn["state"] == "withdrawn"
    told = world.release.feed(product)["items"]
    assert [(item["action"], item["change"]["id"]) for item in told] == [
        ("approved", change["id"]),
        ("withdrawn", change["id"]),
    ]


def test_what_release_tooling_has_picked_up_can_only_be_answered_by_a_release(world: World) -> None:
    product = world.product()
    change = approved(world, world.determined(world.analyst, world.customer(), product))
    picked = world.release.picked_up(change["id"])
    assert world.release.picked_up(change["id"])["revision"] == picked["revision"]
    with refused(409, "state_forbids"):
        world.analyst.withdraw_change(change["id"], picked["revision"], "Too late.")
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    assert world.analyst.change(change["id"])["published_in"] == "20261122.2"


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PUT", "", {"payload": {"rule": "Marker", "source": HARMLESS}}),
        ("POST", "/test", None),
        ("POST", "/approve", None),
        ("POST", "/reject", {"reason": "No."}),
        ("POST", "/withdraw", {"reason": "No."}),
    ],
)
def test_every_write_to_a_change_names_the_revision_it_stands_on(
    world: World, method: str, action: str, body: dict[str, object] | None
) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    tested = after_test(world.analyst, drafted(world.analyst, case))
    path = f"/v1/changes/{tested['id']}{action}"
    missing = call(world, world.keys["lead"], method, path, json=body)
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_missing")
    stale = call(world, world.keys["lead"], method, path, json=body, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "revision_stale")
    assert world.analyst.change(tested["id"])["revision"] == tested["revision"]


def _sample(world: World, submission_id: str) -> str:
    found: str = world.analyst.submission(submission_id)["samples"][0]["sha256"]
    return found
