"""No case gets stuck: not with a silent customer, a change that does not come, or analysts who have had their say."""

from collections.abc import Mapping
from typing import Any

import pytest

from sigreq_client import Client
from tests.flows import approved, names, refused
from tests.promises import PHONE, closed_for_days, customer, group_with, phone_plan, plan
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def asked(world: World, client: Client, analyst: Client | None = None) -> dict[str, Any]:
    """A case that waits for its customer."""
    holder = analyst or world.analyst
    case = world.claimed(holder, client, world.product())
    found: dict[str, Any] = holder.ask(case["id"], case["revision"], "Which version?")
    return found


def decided(analyst: Client, case: Mapping[str, Any]) -> dict[str, Any]:
    """Claim a case and conclude that nothing is wrong."""
    held = analyst.claim(case["id"], case["revision"])
    found: dict[str, Any] = analyst.determine(
        case["id"], held["revision"], "correct_detection", "malware", "It is malware."
    )
    return found


def disputed(world: World, client: Client, case: Mapping[str, Any]) -> dict[str, Any]:
    """The case after the customer did not believe us."""
    client.dispute(case["id"], "It is not.")
    return world.until(case["id"], "queued")


def test_any_analyst_can_claim_a_case_that_waits_for_a_silent_customer(world: World) -> None:
    client = world.customer()
    case = asked(world, client)
    other = world.person("analyst")
    held = other.claim(case["id"], case["revision"])
    assert held["state"] == "in_analysis"
    assert names(client.timeline(case["id"]))[-1] == "resumed"
    done = other.determine(case["id"], held["revision"], "inconclusive", "unknown", "We heard nothing more.")
    assert done["state"] == "closed"


def test_a_waiting_case_is_claimed_on_what_was_read(world: World) -> None:
    case = asked(world, world.customer())
    with refused(412, "revision_stale"):
        world.analyst.claim(case["id"], case["revision"] - 1)
    assert world.analyst.submission(case["id"])["revision"] == case["revision"]


def test_a_case_whose_change_is_on_its_way_to_a_release_cannot_be_claimed(world: World) -> None:
    client = world.customer()
    case = world.determined(world.analyst, client, world.product())
    change = approved(world, case)
    waiting = world.analyst.submission(case["id"])
    with refused(409, "state_forbids") as data:
        world.analyst.claim(case["id"], waiting["revision"])
    assert "on its way" in data["detail"]
    assert world.release.picked_up(change["id"])["state"] == "picked_up"
    with refused(409, "state_forbids"):
        world.analyst.claim(case["id"], waiting["revision"])
    left = world.analyst.submission(case["id"])
    assert (left["state"], left["revision"]) == ("determined", waiting["revision"])


def test_a_determined_case_whose_changes_were_all_withdrawn_can_be_decided_otherwise(world: World) -> None:
    client = world.customer()
    case = world.determined(world.analyst, client, world.product())
    change = approved(world, case)
    world.analyst.withdraw_change(change["id"], change["revision"], "It is malware after all.")
    waiting = world.analyst.submission(case["id"])
    held = world.analyst.claim(case["id"], waiting["revision"])
    assert held["state"] == "in_analysis"
    done = world.analyst.determine(case["id"], held["revision"], "correct_detection", "malware", "It is malware.")
    assert (done["state"], done["resolution"]) == ("closed", "no_change")


def test_a_case_that_every_analyst_has_decided_can_still_be_claimed_by_a_lead(world: World) -> None:
    client = world.customer()
    case = world.queued(client, world.product())
    analyst, lead = world.person("analyst"), world.person("lead")
    for each in (analyst, lead):
        case = disputed(world, client, decided(each, case))
    with refused(409, "another_analyst_needed"):
        analyst.claim(case["id"], case["revision"])
    assert lead.claim(case["id"], case["revision"])["state"] == "in_analysis"


def test_who_has_decided_a_disputed_case_does_not_get_it_back_while_it_waits_for_the_customer(world: World) -> None:
    client = world.customer()
    first, second = world.person("analyst"), world.person("analyst")
    case = disputed(world, client, decided(first, world.queued(client, world.product())))
    held = second.claim(case["id"], case["revision"])
    case = second.ask(case["id"], held["revision"], "Why?")
    with refused(409, "another_analyst_needed"):
        first.claim(case["id"], case["revision"])
    assert second.claim(case["id"], case["revision"])["state"] == "in_analysis"


def test_an_analyst_cannot_claim_a_case_of_a_foreign_group_and_a_lead_can(world: World) -> None:
    (red, reds, _), (_, blues, _) = group_with(world), group_with(world)
    case = world.queued(customer(world, plan(world, group=red))[1], world.product())
    with refused(403, "group_foreign") as data:
        blues.claim(case["id"], case["revision"])
    assert (data["id"], data["group"]) == (case["id"], red)
    held = reds.claim(case["id"], case["revision"])
    case = reds.ask(case["id"], held["revision"], "Which version?")
    with refused(403, "group_foreign"):
        blues.claim(case["id"], case["revision"])
    assert world.lead.claim(case["id"], case["revision"])["state"] == "in_analysis"


def test_a_guaranteed_case_reopened_outside_office_hours_asks_for_a_call_again(world: World) -> None:
    _, client = customer(world, phone_plan(world, closed_for_days()))
    closed = decided(world.analyst, world.queued(client, world.product(), severity=1))
    assert not client.submission(closed["id"])["phone_call_required"]
    disputed(world, client, closed)
    again = client.submission(closed["id"])
    assert (again["phone_call_required"], again["phone_number"]) == (True, PHONE)


def test_a_case_reopened_in_office_hours_asks_for_no_call(world: World) -> None:
    _, client = customer(world, phone_plan(world, "24x7"))
    closed = decided(world.analyst, world.queued(client, world.product(), severity=1))
    disputed(world, client, closed)
    assert not client.submission(closed["id"])["phone_call_required"]


def test_a_group_keeps_its_secret_while_its_address_stays_the_same(world: World) -> None:
    url = "http://127.0.0.1:9/on-call"
    group, _, made = group_with(world, on_call_url=url)
    kept = world.administrator.set_group(group, "Another title", on_call_url=url, on_call_email="call@example.org")
    assert (kept["on_call_secret"], kept["title"]) == (made["on_call_secret"], "Another title")
    moved = world.administrator.set_group(group, "Another title", on_call_url=f"{url}/new")
    assert moved["on_call_secret"] not in {None, made["on_call_secret"]}
    assert world.administrator.set_group(group, "Another title")["on_call_secret"] is None


def test_the_account_shows_what_is_guaranteed_and_no_internal_target(world: World) -> None:
    assert world.customer().account()["plan"]["goals"] == []
    _, internal = customer(world, plan(world, is_guaranteed=False))
    assert internal.account()["plan"]["goals"] == []
    _, promised = customer(world, plan(world))
    assert [(goal["severity"], goal["minutes"]) for goal in promised.account()["plan"]["goals"]] == [
        (1, 60),
        (2, 120),
        (3, 180),
        (4, 240),
    ]
