"""It still happens: the case comes back with all that was said, to somebody who has not decided it before."""

from typing import Any

import pytest

from sigreq_client import Client
from tests.flows import HARMLESS, approved, drafted, names, published, refused, release_of
from tests.promises import customer, group_with, plan
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")

STILL = "Version 20261122.2 is on every machine, and it is detected as before."


class Desk:
    """A group of analysts with a queue of its own, and a customer whose cases go there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.group, self.first, _ = group_with(world)
        self.customer = customer(world, plan(world, group=self.group))[1]
        self.product = world.product()

    def colleague(self) -> Client:
        """Another analyst of the group."""
        made = self.world.administrator.add_person("A colleague", "analyst", group=self.group)
        return self.world.client(made["key"])

    def taken(self, analyst: Client) -> dict[str, Any]:
        """The next case of the queue."""
        found: dict[str, Any] | None = analyst.take()
        assert found is not None
        return found

    def decided(self, analyst: Client, case: dict[str, Any]) -> dict[str, Any]:
        """The analyst concludes that the database must change."""
        said = ("false_positive_confirmed", "clean", "As you say.")
        found: dict[str, Any] = analyst.determine(case["id"], case["revision"], *said)
        return found

    def fixed(self, case: dict[str, Any], analyst: Client) -> dict[str, Any]:
        """The fix is out and proved."""
        change = approved(self.world, case, analyst=analyst)
        published(self.world, self.product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
        return self.world.until(case["id"], "fixed")


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_take_next_gives_it_to_another_analyst_and_never_to_the_earlier_one(world: World, desk: Desk) -> None:
    world.queued(desk.customer, desk.product)
    case = desk.fixed(desk.decided(desk.first, desk.taken(desk.first)), desk.first)
    back = desk.customer.still_happens(case["id"], STILL)
    assert (back["state"], back["fixed_in"], back["answered_at"]) == ("queued", None, None)
    assert desk.first.take() is None
    with refused(409, "another_analyst_needed"):
        desk.first.claim(case["id"], back["revision"])
    assert desk.taken(desk.colleague())["id"] == case["id"]


def test_who_takes_it_sees_the_whole_history(world: World, desk: Desk) -> None:
    world.queued(desk.customer, desk.product)
    case = desk.fixed(desk.decided(desk.first, desk.taken(desk.first)), desk.first)
    desk.customer.still_happens(case["id"], STILL)
    colleague = desk.colleague()
    taken = desk.taken(colleague)
    history = colleague.timeline(taken["id"])["items"]
    told = [each["name"] for each in history]
    assert told[:4] == ["received", "screening_started", "screened", "taken"]
    assert told[4:] == ["determined", "fix_approved", "fixed", "still_happens", "taken"]
    assert history[-2]["data"]["message"] == STILL
    assert history[6]["data"]["fixed_in"] == "20261122.2"
    seen = colleague.submission(taken["id"])
    assert [(each["kind"], each["state"]) for each in seen["changes"]] == [("rule_modify", "published")]
    assert {each["purpose"] for each in seen["scans"]} == {"claimed", "gate", "proof"}


def test_everybody_who_ever_decided_it_is_passed_over_not_only_who_had_it_last(world: World, desk: Desk) -> None:
    world.queued(desk.customer, desk.product)
    second, third = desk.colleague(), desk.colleague()
    case = desk.decided(desk.first, desk.taken(desk.first))
    change = drafted(desk.first, case)
    desk.first.withdraw_change(change["id"], change["revision"], "It needs another look.")
    held = second.claim(case["id"], second.submission(case["id"])["revision"])
    case = desk.fixed(desk.decided(second, held), second)
    desk.customer.still_happens(case["id"], STILL)
    assert (desk.first.take(), second.take()) == (None, None)
    assert desk.taken(third)["id"] == case["id"]


def test_a_new_answer_clock_starts_and_the_case_can_be_closed_and_come_back_again(world: World, desk: Desk) -> None:
    world.queued(desk.customer, desk.product)
    case = desk.fixed(desk.decided(desk.first, desk.taken(desk.first)), desk.first)
    assert case["answered_at"] is not None
    desk.customer.confirm(case["id"])
    back = desk.customer.still_happens(case["id"], STILL)
    assert (back["answered_at"], back["closed_at"], back["resolution"]) == (None, None, None)
    second = desk.colleague()
    held = desk.taken(second)
    closed = second.determine(held["id"], held["revision"], "inconclusive", "unknown", "We cannot see it any more.")
    assert closed["state"] == "closed"
    again = desk.customer.still_happens(case["id"], STILL)
    assert names(desk.customer.timeline(case["id"])).count("still_happens") == 2
    assert (desk.first.take(), second.take()) == (None, None)
    assert desk.colleague().claim(again["id"], again["revision"])["state"] == "in_analysis"


@pytest.mark.parametrize("state", ["queued", "in_analysis", "determined", "withdrawn"])
def test_what_is_not_over_or_was_withdrawn_by_its_customer_cannot_still_happen(
    world: World, desk: Desk, state: str
) -> None:
    case = world.queued(desk.customer, desk.product)
    if state in {"in_analysis", "determined"}:
        case = desk.taken(desk.first)
    if state == "determined":
        case = desk.decided(desk.first, case)
    if state == "withdrawn":
        desk.customer.withdraw(case["id"])
    with refused(409, "state_forbids") as told:
        desk.customer.still_happens(case["id"], STILL)
    assert told["state"] == state
    assert "fixed" in told["allowed"]
