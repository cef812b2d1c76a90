"""Premium incidents: reserved when a request is accepted, used by the qualified answer, given back otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from bench.premium import race
from sigreq_client import Client
from tests.flows import HARMLESS
from tests.promises import at, customer, incidents, plan
from tests.world import MARKER, World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")
TOLD = "No premium incident is left in this contract year: the request is handled as a standard one."


def test_twenty_at_once_with_six_incidents_left_are_six_premium_and_fourteen_standard(world: World) -> None:
    product = world.product()
    for _ in range(3):
        found = race(world, product)
        assert found.are_good, found


def test_an_incident_is_reserved_at_once_and_used_by_the_first_qualified_answer(world: World) -> None:
    _, client = customer(world, "msa_start")
    assert incidents(client) == (0, 0, 6)
    case = world.claimed(world.analyst, client, world.product())
    assert (case["is_premium"], case["track"], TOLD in case["notices"]) == (True, "expedited", False)
    assert incidents(client) == (0, 1, 5)
    case = world.analyst.answer(case["id"], case["revision"], "We have it.", is_qualified=False)
    assert incidents(client) == (0, 1, 5)
    case = world.analyst.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    assert incidents(client) == (1, 0, 5)
    world.analyst.determine(case["id"], case["revision"], "inconclusive", "unknown", "We cannot tell.")
    assert incidents(client) == (1, 0, 5)


@pytest.mark.parametrize("word", ["ask", "determine"])
def test_a_qualified_question_and_a_conclusion_use_the_incident_too(world: World, word: str) -> None:
    _, client = customer(world, "msa_start")
    case = world.claimed(world.analyst, client, world.product())
    if word == "ask":
        world.analyst.ask(case["id"], case["revision"], "All of: version, log, vendor?", is_qualified=True)
    else:
        world.analyst.determine(case["id"], case["revision"], "inconclusive", "unknown", "We cannot tell.")
    assert incidents(client) == (1, 0, 5)


def test_a_withdrawal_before_the_answer_gives_the_incident_to_the_next_request(world: World) -> None:
    _, client = customer(world, plan(world, premium_incidents=1))
    product = world.product()
    first = world.submit(client, product)
    assert (first["is_premium"], incidents(client)) == (True, (0, 1, 0))
    client.withdraw(first["id"])
    assert incidents(client) == (0, 0, 1)
    assert world.submit(client, product)["is_premium"]
    none_left = world.submit(client, product)
    assert (none_left["is_premium"], none_left["track"], none_left["plan"]) == (False, "standard", "standard")
    assert (none_left["notices"], none_left["response_due_at"]) == ([TOLD], None)
    assert client.submission(none_left["id"])["notices"] == [TOLD]


def test_a_withdrawal_after_the_answer_gives_nothing_back(world: World) -> None:
    _, client = customer(world, "msa_start")
    case = world.claimed(world.analyst, client, world.product())
    world.analyst.ask(case["id"], case["revision"], "All of: version, log, vendor?", is_qualified=True)
    client.withdraw(case["id"])
    assert incidents(client) == (1, 0, 5)


def test_an_automatic_answer_gives_the_incident_back(world: World) -> None:
    _, client = customer(world, "msa_start")
    product = world.product()
    world.publish(product, "20261122.2", {"Marker": HARMLESS}, ago=timedelta(hours=1))
    submitted = world.submit(client, product)
    assert submitted["is_premium"]
    world.until(submitted["id"], "closed")
    assert incidents(client) == (0, 0, 6)


def test_the_same_file_again_takes_no_second_incident(world: World) -> None:
    _, client = customer(world, "msa_start")
    product, content = world.product(), MARKER + world.organisation().encode()
    first, again = (world.submit(client, product, content) for _ in range(2))
    assert (again["id"], again["is_joined"]) == (first["id"], True)
    assert incidents(client) == (0, 1, 5)


def test_a_new_contract_year_starts_anew_and_the_old_one_pays_for_what_it_reserved(world: World) -> None:
    organisation = world.organisation()
    client = world.person("customer", organisation)
    product = world.product()
    turns = datetime.now(UTC) + timedelta(seconds=5)
    world.administrator.add_contract(organisation, "msa_start", turns.replace(year=turns.year - 4))
    case = world.submit(client, product)
    before = client.account()["contract"]
    assert (at(before, "year_ends_at"), incidents(client)) == (turns, (0, 1, 5))
    after = wait_for(lambda: client.account()["contract"], lambda seen: at(seen, "year_starts_at") == turns)
    assert after["premium_incidents"] == {"limit": 6, "used": 0, "reserved": 0, "left": 6}
    queued = world.until(case["id"], "queued")
    held = world.analyst.claim(queued["id"], queued["revision"])
    world.analyst.answer(held["id"], held["revision"], "It is clean.", is_qualified=True)
    assert incidents(client) == (0, 0, 6)
    assert world.submit(client, product)["is_premium"]
    assert incidents(client) == (0, 1, 5)


def test_a_plan_with_twelve_incidents_and_one_without_limit_need_no_code(world: World) -> None:
    _, plus = customer(world, plan(world, premium_incidents=12))
    _, enterprise = customer(world, plan(world, premium_incidents=None))
    product = world.product()
    for client, left in ((plus, [11, 10]), (enterprise, [None, None])):
        assert [_left_after(world, client, product) for _ in left] == left
    assert enterprise.account()["contract"]["premium_incidents"]["limit"] is None


def test_where_requests_are_free_none_is_charged(world: World) -> None:
    _, client = customer(world, plan(world, premium_incidents=0, costs_premium=False))
    submitted = world.submit(client, world.product())
    assert (submitted["track"], submitted["is_premium"], submitted["notices"]) == ("expedited", False, [])
    assert incidents(client) == (0, 0, 0)


def _left_after(world: World, client: Client, product: str) -> int | None:
    assert world.submit(client, product)["is_premium"]
    return incidents(client)[2]
