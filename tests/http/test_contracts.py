"""Contracts: one at a time, seen by the customer, and what was promised under one stays promised."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sigreq.embedded.service import Service
from sigreq_client import ApiError
from tests.database import write
from tests.flows import refused
from tests.promises import DAY, HOUR, PHONE, at, customer, goals, incidents, plan
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def test_the_account_shows_what_was_promised(world: World) -> None:
    organisation = world.organisation()
    plan_id = plan(world, (60, 120, 180, 240), premium_incidents=12, phone_number=PHONE)
    starts = datetime.now(UTC) - 400 * DAY
    made = world.administrator.add_contract(organisation, plan_id, starts, starts + 800 * DAY)
    client = world.person("customer", organisation)
    held = world.claimed(world.analyst, client, product := world.product())
    world.analyst.answer(held["id"], held["revision"], "It is clean.", is_qualified=True)
    world.submit(client, product)
    account = client.account()
    assert account["plan"] == {
        "id": plan_id,
        "title": "A plan of the tests",
        "track": "expedited",
        "goals": [{"severity": int(severity), **goal} for severity, goal in goals((60, 120, 180, 240)).items()],
    }
    assert (account["phone_number"], account["organisation"]["id"]) == (PHONE, organisation)
    contract = account["contract"]
    assert (contract["id"], at(contract, "starts_at"), at(contract, "ends_at")) == (
        made["id"],
        starts,
        starts + 800 * DAY,
    )
    assert at(contract, "year_starts_at") == starts.replace(year=starts.year + 1)
    assert at(contract, "year_ends_at") == starts.replace(year=starts.year + 2)
    assert contract["premium_incidents"] == {"limit": 12, "used": 1, "reserved": 1, "left": 10}


def test_without_a_contract_the_standard_plan_holds(world: World) -> None:
    _, client = customer(world, "standard")
    account = client.account()
    assert (account["plan"]["id"], account["contract"]) == ("standard", None)
    submitted = world.submit(client, world.product())
    assert (submitted["track"], submitted["response_due_at"], submitted["notices"]) == ("standard", None, [])
    assert not submitted["phone_call_required"]


def test_staff_have_an_account_without_a_plan(world: World) -> None:
    account = world.analyst.account()
    assert (account["role"], account["organisation"], account["plan"]) == ("analyst", None, None)


def test_a_contract_that_ends_while_a_case_is_open_keeps_its_promise(world: World) -> None:
    organisation, client = customer(world, plan(world, premium_incidents=3))
    product = world.product()
    promised = world.submit(client, product, severity=1)
    (contract,) = world.administrator.contracts(organisation)["items"]
    world.administrator.end_contract(contract["id"], datetime.now(UTC))
    assert client.account()["contract"] is None
    case = world.until(promised["id"], "queued")
    assert at(case, "due_at") == at(promised, "received_at") + HOUR
    assert (case["track"], case["is_premium"], case["is_guaranteed"]) == ("expedited", True, True)
    later = world.submit(client, product)
    assert (later["plan"], later["notices"]) == ("standard", [])
    world.administrator.add_contract(organisation, "msa_start", datetime.now(UTC))
    assert at(world.analyst.submission(case["id"]), "due_at") == at(promised, "received_at") + HOUR


def test_a_changed_plan_counts_for_new_submissions_only(world: World, service: Service) -> None:
    _, client = customer(world, plan_id := plan(world))
    product = world.product()
    first = world.submit(client, product, severity=1)
    stored = next(each for each in world.administrator.plans()["items"] if each["id"] == plan_id)
    longer = {**{name: value for name, value in stored.items() if name != "id"}, "goals": goals((90, 90, 90, 90))}
    assert world.administrator.set_plan(plan_id, longer) == {**longer, "id": plan_id}
    assert "Warning: " not in (service.data / "logs" / "api.log").read_text(), "whatever other tests have done"
    second = world.submit(client, product, severity=1)
    assert at(client.submission(first["id"]), "response_due_at") == at(first, "received_at") + HOUR
    assert at(second, "response_due_at") == at(second, "received_at") + timedelta(minutes=90)


def test_a_contract_that_has_not_begun_or_is_over_gives_nothing(world: World) -> None:
    organisation = world.organisation()
    now = datetime.now(UTC)
    world.administrator.add_contract(organisation, "msa_start", now - 10 * DAY, now - HOUR)
    world.administrator.add_contract(organisation, "msa_business", now + HOUR)
    client = world.person("customer", organisation)
    assert client.account()["contract"] is None
    assert world.submit(client, world.product())["plan"] == "standard"


@pytest.mark.parametrize(
    ("starts", "ends"), [(-1, None), (-20, None), (-20, 40), (2, 3), (9, 11), (-3, 1)], ids=lambda days: f"{days}"
)
def test_contracts_that_overlap_are_refused_naming_the_other(world: World, starts: int, ends: int | None) -> None:
    organisation, now = world.organisation(), datetime.now(UTC)
    first = world.administrator.add_contract(organisation, "msa_start", now, now + 10 * DAY)
    until = None if ends is None else now + ends * DAY
    with refused(409, "contracts_overlap") as problem:
        world.administrator.add_contract(organisation, "msa_business", now + starts * DAY, until)
    assert (problem["other"], problem["plan"]) == (first["id"], "msa_start")


def test_contracts_that_meet_do_not_overlap(world: World) -> None:
    organisation, now = world.organisation(), datetime.now(UTC)
    times = [now - DAY, now, now + DAY]
    ids = [
        world.administrator.add_contract(organisation, "msa_start", starts, ends)["id"]
        for starts, ends in ((times[1], times[2]), (times[0], times[1]), (times[2], None))
    ]
    listed = world.administrator.contracts(organisation)["items"]
    assert [each["id"] for each in listed] == [ids[1], ids[0], ids[2]]


def test_a_contract_is_not_prolonged_over_the_next_one(world: World) -> None:
    organisation, now = world.organisation(), datetime.now(UTC)
    first = world.administrator.add_contract(organisation, "msa_start", now, now + DAY)
    second = world.administrator.add_contract(organisation, "msa_business", now + 2 * DAY)
    with refused(409, "contracts_overlap") as problem:
        world.administrator.end_contract(first["id"], now + 3 * DAY)
    assert problem["other"] == second["id"]
    until = world.administrator.end_contract(first["id"], now + 2 * DAY)
    assert at(until, "ends_at") == now + 2 * DAY


def test_of_two_contracts_added_at_once_one_is_refused(world: World) -> None:
    organisation, now = world.organisation(), datetime.now(UTC)

    def add(_: int) -> str:
        try:
            world.administrator.add_contract(organisation, "msa_start", now)
        except ApiError as error:
            return error.code
        return "added"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == ["added", *3 * ["contracts_overlap"]]


def test_a_contract_that_ends_before_it_starts_is_refused(world: World) -> None:
    organisation, now = world.organisation(), datetime.now(UTC)
    for ends in (now, now - DAY):
        with refused(422, "contract_backwards"):
            world.administrator.add_contract(organisation, "msa_start", now, ends)
    made = world.administrator.add_contract(organisation, "msa_start", now)
    with refused(422, "contract_backwards"):
        world.administrator.end_contract(made["id"], now - HOUR)


def test_what_does_not_exist_can_have_no_contract(world: World) -> None:
    organisation, now = world.organisation(), datetime.now(UTC)
    with refused(404, "not_found"):
        world.administrator.add_contract(organisation, "no-such-plan", now)
    with refused(404, "not_found"):
        world.administrator.add_contract("no-such-organisation", "msa_start", now)
    with refused(404, "not_found"):
        world.administrator.contracts("no-such-organisation")
    with refused(404, "not_found"):
        world.administrator.end_contract("CT-none", now)


@pytest.mark.parametrize(
    ("field", "value", "status", "code"),
    [
        ("group", "no-such-group", 404, "not_found"),
        ("office", "no-such-calendar", 404, "not_found"),
        ("goals", goals((1, 2, 3, 4), "no-such-calendar"), 404, "not_found"),
        ("goals", goals((1, 2, 3)), 422, "field_invalid"),
        ("goals", goals((0, 2, 3, 4)), 422, "field_invalid"),
        ("premium_incidents", -1, 422, "field_invalid"),
        ("track", "slow", 422, "field_invalid"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(world: World, field: str, value: Any, status: int, code: str) -> None:
    whole = {"title": "T", "track": "expedited", "goals": goals((1, 2, 3, 4)), field: value}
    with refused(status, code):
        world.administrator.set_plan("never-made", whole)
    assert "never-made" not in {each["id"] for each in world.administrator.plans()["items"]}


def test_a_limit_lowered_below_what_was_used_leaves_none_and_not_less(world: World, service: Service) -> None:
    _, client = customer(world, plan_id := plan(world, premium_incidents=5))
    product = world.product()
    for _ in range(3):
        world.submit(client, product)
    write(service, "UPDATE plan SET premium_incidents = 2 WHERE id = :id", id=plan_id)
    assert incidents(client) == (0, 3, 0)
    assert world.submit(client, product)["track"] == "standard"
