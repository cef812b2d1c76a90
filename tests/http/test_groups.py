"""Analyst groups: each sees and is given its own plans' cases, standard ones among them in their turn."""

import pytest

from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.database import write
from tests.flows import refused
from tests.promises import customer, goals, group_with, make_overdue, plan
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def ids(analyst: Client) -> list[str]:
    """The queue as somebody sees it."""
    return [item["id"] for item in analyst.queue()["items"]]


def test_an_analyst_sees_and_takes_the_cases_of_their_groups_only(world: World) -> None:
    (red, reds, _), (blue, blues, _) = group_with(world), group_with(world)
    product = world.product()
    red_case = world.queued(customer(world, plan(world, group=red))[1], product)
    blue_case = world.queued(customer(world, plan(world, group=blue))[1], product)
    assert (red_case["group"], blue_case["group"]) == (red, blue)
    assert (ids(reds), ids(blues)) == ([red_case["id"]], [blue_case["id"]])
    assert reds.take()["id"] == red_case["id"]
    assert reds.take() is None
    assert ids(blues) == [blue_case["id"]]
    assert red_case["id"] not in ids(world.analyst)


def test_who_works_in_no_group_is_given_nothing(world: World) -> None:
    group, analyst, _ = group_with(world)
    case = world.queued(customer(world, plan(world, group=group))[1], world.product())
    found = next(each for each in world.administrator.groups()["items"] if each["id"] == group)
    (member,) = found["members"]
    assert [(each["id"], each["name"].split()[0]) for each in found["people"]] == [(member, "analyst")]
    world.administrator.leave_group(group, member)
    assert (ids(analyst), analyst.take()) == ([], None)
    world.administrator.join_group(group, member)
    world.administrator.join_group(group, member)
    assert ids(analyst) == [case["id"]]


def test_who_leaves_a_group_keeps_what_they_hold(world: World) -> None:
    group, analyst, _ = group_with(world)
    world.queued(customer(world, plan(world, group=group))[1], world.product())
    held = analyst.take()
    (member,) = next(each["members"] for each in world.administrator.groups()["items"] if each["id"] == group)
    world.administrator.leave_group(group, member)
    answered = analyst.answer(held["id"], held["revision"], "It is clean.", is_qualified=True)
    assert answered["answered_at"] is not None


def test_who_reads_everything_sees_every_group(world: World) -> None:
    group, _, _ = group_with(world)
    case = world.queued(customer(world, plan(world, group=group))[1], world.product())
    for role in ("auditor", "administrator"):
        queue = world.person(role).queue(limit=200)["items"]
        assert case["id"] in [item["id"] for item in queue]


def test_a_case_stays_with_the_group_that_it_came_to(world: World) -> None:
    (red, reds, _), (blue, blues, _) = group_with(world), group_with(world)
    _, client = customer(world, plan_id := plan(world, group=red))
    product = world.product()
    before = world.queued(client, product)
    moved = {"title": "T", "track": "expedited", "goals": goals((60, 60, 60, 60)), "premium_incidents": None}
    world.administrator.set_plan(plan_id, {**moved, "group": blue})
    after = world.queued(client, product)
    assert (ids(reds), ids(blues)) == ([before["id"]], [after["id"]])


def test_groups_that_do_not_exist_have_no_members(world: World) -> None:
    group, _, _ = group_with(world)
    with refused(404, "not_found"):
        world.administrator.join_group("no-such-group", "nobody")
    with refused(404, "not_found"):
        world.administrator.join_group(group, "nobody")
    with refused(404, "not_found"):
        world.administrator.add_person("X", "analyst", group="no-such-group")


class Office:
    """A group with an expedited plan and a standard one, both without guarantees."""

    def __init__(self, world: World, service: Service) -> None:
        self.world, self.service = world, service
        self.product = world.product()
        self.group, self.analyst, _ = group_with(world)
        self.urgent = self._customer(track="expedited")
        self.standard = self._customer(track="standard")
        self.guaranteed = self._customer(track="expedited", is_guaranteed=True)

    def _customer(self, *, track: str, is_guaranteed: bool = False) -> Client:
        made = plan(self.world, track=track, group=self.group, is_guaranteed=is_guaranteed)
        return customer(self.world, made)[1]

    def waiting(self, client: Client, *, is_late: bool = False) -> str:
        """A case in this group's queue."""
        case_id: str = self.world.queued(client, self.product)["id"]
        if is_late:
            make_overdue(self.service, case_id)
        return case_id

    def take(self, times: int = 1) -> list[str]:
        """What the group's analyst is given."""
        return [self.analyst.take()["id"] for _ in range(times)]


@pytest.fixture
def office(world: World, service: Service) -> Office:
    return Office(world, service)


def test_after_three_expedited_cases_the_oldest_overdue_standard_case_goes_next(office: Office) -> None:
    late = [office.waiting(office.standard, is_late=True) for _ in range(2)]
    urgent = [office.waiting(office.urgent) for _ in range(5)]
    assert office.take(7) == [*urgent[:3], late[0], *urgent[3:], late[1]]


def test_a_standard_case_that_is_not_late_waits_for_its_turn(office: Office) -> None:
    standard = office.waiting(office.standard)
    urgent = [office.waiting(office.urgent) for _ in range(4)]
    assert office.take(5) == [*urgent, standard]


def test_a_guaranteed_answer_that_is_due_soon_goes_before_fairness(office: Office) -> None:
    late = office.waiting(office.standard, is_late=True)
    urgent = [office.waiting(office.urgent) for _ in range(4)]
    assert office.take(3) == urgent[:3]
    soon = office.waiting(office.guaranteed)
    statement = "UPDATE submission SET warn_at = now() - interval '1 minute' WHERE id = :id"
    write(office.service, statement, id=soon)
    assert office.take(3) == [soon, late, urgent[3]]


def test_each_group_is_fair_by_its_own_takes(office: Office, world: World, service: Service) -> None:
    other = Office(world, service)
    late = office.waiting(office.standard, is_late=True)
    urgent = office.waiting(office.urgent)
    for _ in range(3):
        other.waiting(other.urgent)
    other.take(3)
    assert office.take(2) == [urgent, late]
