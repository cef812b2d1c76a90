"""A claim is a lease: on a service where it lives for two seconds."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq_client import ApiError, Client
from tests.flows import events_out_of_step, names, refused
from tests.world import World, wait_for


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[World]:
    data = tmp_path_factory.mktemp("claims") / "data"
    with Service(data, env={"SIGREQ_ANALYSIS__CLAIM": "PT2S"}, fork_server=fork_server) as running:
        url = running.env["SIGREQ_DATABASE__URL"]
        with World(running.url, first_keys(url, data / "keys")) as made:
            yield made
        assert events_out_of_step(url) == 0


def test_a_silent_analyst_loses_the_case_to_the_queue(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    back = world.until(case["id"], "queued")
    assert (back["claim_expires_at"], back["needs_attention"]) == (None, None)
    assert names(world.analyst.timeline(case["id"]))[-1] == "claim_lapsed"
    with refused(409, "claim_lapsed"):
        world.analyst.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    with refused(409, "claim_lapsed"):
        world.analyst.determine(case["id"], back["revision"], "inconclusive", "unknown", "We cannot tell.")
    again = world.analyst.claim(case["id"], back["revision"])
    assert again["state"] == "in_analysis"


@pytest.mark.parametrize("is_own", [True, False], ids=["by its former holder", "by another"])
def test_a_claim_that_has_run_out_can_be_taken_at_once(world: World, *, is_own: bool) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    wait_for(lambda: datetime.now(UTC), lambda now: now > datetime.fromisoformat(case["claim_expires_at"]))
    taker = world.analyst if is_own else world.person("analyst")
    taken = wait_for(lambda: _claim_as_it_is(taker, case["id"]), bool)
    assert taken["claim_expires_at"] > case["claim_expires_at"]
    assert names(world.analyst.timeline(case["id"]))[-2:] == ["claim_lapsed", "taken"]


def test_every_word_to_the_customer_makes_the_claim_last_longer(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    end = case["claim_expires_at"]
    for word in ("We have it.", "We look at it.", "Still looking."):
        case = world.analyst.answer(case["id"], case["revision"], word, is_qualified=False)
        assert case["claim_expires_at"] > end
        end = case["claim_expires_at"]


def test_a_case_that_waits_for_its_customer_does_not_lapse(world: World) -> None:
    customer = world.customer()
    case = world.claimed(world.analyst, customer, world.product())
    world.analyst.ask(case["id"], case["revision"], "Which version is it?")
    lapsing = world.claimed(world.analyst, customer, world.product())
    world.until(lapsing["id"], "queued")
    assert world.analyst.submission(case["id"])["state"] == "awaiting_customer"


def _claim_as_it_is(analyst: Client, submission_id: str) -> dict[str, Any] | None:
    """The claimed case; None when it moved between the look and the claim."""
    try:
        case: dict[str, Any] = analyst.claim(submission_id, analyst.submission(submission_id)["revision"])
    except ApiError as error:
        if error.code == "revision_stale":
            return None
        raise
    return case
