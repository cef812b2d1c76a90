"""The order of the queue and who gets what, on a service whose queue nobody else fills."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.flows import events_out_of_step
from tests.world import World


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("queue") / "data", fork_server=fork_server) as running:
        yield running
        assert events_out_of_step(running.env["SIGREQ_DATABASE__URL"]) == 0


@pytest.fixture
def world(own: Service) -> Iterator[World]:
    """People on that service; afterwards its queue is empty again."""
    with World(own.url, first_keys(own.env["SIGREQ_DATABASE__URL"], own.data / "keys")) as made:
        yield made
        helper = made.person("analyst")
        while (case := helper.take()) is not None:
            helper.determine(case["id"], case["revision"], "inconclusive", "unknown", "The test is over.")


def test_msa_cases_go_first_though_they_came_later(world: World) -> None:
    product = world.product()
    plans = ["standard", "msa_start", "standard", "msa_business"]
    ids = [world.queued(world.customer(plan), product)["id"] for plan in plans]
    waiting = [item["id"] for item in world.analyst.queue()["items"]]
    assert set(waiting[:2]) == {ids[1], ids[3]}
    assert waiting[2:] == [ids[0], ids[2]]


def test_what_is_due_sooner_goes_first_within_a_track(world: World) -> None:
    product, customer = world.product(), world.customer("msa_business")
    ids = {severity: world.queued(customer, product, severity=severity)["id"] for severity in (4, 2, 3)}
    assert [item["id"] for item in world.analyst.queue()["items"]] == [ids[2], ids[3], ids[4]]


def test_take_gives_the_first_case_and_nothing_when_there_is_none(world: World) -> None:
    assert world.analyst.take() is None
    customer, product = world.customer(), world.product()
    first = world.queued(customer, product)
    world.queued(customer, product)
    taken = world.analyst.take()
    assert (taken["id"], taken["state"]) == (first["id"], "in_analysis")


def test_take_passes_over_a_case_that_came_back_from_oneself(world: World) -> None:
    customer, product = world.customer("msa_business"), world.product()
    case = world.claimed(world.analyst, customer, product)
    world.analyst.determine(case["id"], case["revision"], "correct_detection", "malware", "It is malware.")
    customer.dispute(case["id"], "It is not.")
    other = world.queued(world.customer("standard"), product)
    assert world.analyst.take()["id"] == other["id"]
    assert world.analyst.take() is None
    assert world.person("analyst").take()["id"] == case["id"]


def test_ten_analysts_at_once_get_every_case_once_and_in_order(world: World) -> None:
    product = world.product()
    customers = [world.customer(plan) for plan in ("standard", "msa_start", "msa_business")]
    sent = [world.submit(customers[n % 3], product, severity=n % 4 + 1)["id"] for n in range(30)]
    for submission_id in sent:
        world.until(submission_id, "queued")
    order = [item["id"] for item in world.analyst.queue(limit=200)["items"]]
    analysts = [world.person("analyst") for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        taken = [case for cases in pool.map(_take_all, analysts) for case in cases]
    assert sorted(case["id"] for case in taken) == sorted(sent)
    happened = [(_taken(world, case["id"]), case["id"]) for case in taken]
    assert [case_id for _, case_id in sorted(happened)] == order


def _take_all(analyst: Client) -> list[dict[str, Any]]:
    taken = []
    while (case := analyst.take()) is not None:
        taken.append(case)
    return taken


def _taken(world: World, submission_id: str) -> Any:
    """When it was taken."""
    return max(item["at"] for item in world.analyst.timeline(submission_id)["items"] if item["name"] == "taken")
