"""What a customer can do with a submission, from the first word to the last."""

from typing import Any

import pytest

from sigreq.embedded.receiver import Receiver
from sigreq_client import Client
from tests.flows import fixed, names, refused
from tests.world import World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")


def test_the_timeline_is_exactly_what_the_webhook_carried(world: World) -> None:
    customer, product = world.customer(), world.product()
    with Receiver() as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        case = world.claimed(world.analyst, customer, product)
        world.analyst.ask(case["id"], case["revision"], "Which version of the program is it?")
        customer.reply(case["id"], "7.1, on Windows.")
        customer.withdraw(case["id"], "It was our mistake.")
        timeline = customer.timeline(case["id"])
        told = wait_for(lambda: receiver.of(case["id"]), lambda seen: len(seen) >= len(timeline["items"]))
    assert names(timeline) == ["received", "screened", "taken", "asked", "replied", "withdrawn"]
    assert [event["sequence"] for event in told] == [1, 2, 3, 4, 5, 6]
    assert [{"submission_id": case["id"], **item} for item in timeline["items"]] == told


def test_a_reply_to_a_question_brings_the_case_back_to_the_same_analyst(world: World) -> None:
    customer, analyst = world.customer(), world.person("analyst")
    case = world.claimed(analyst, customer, world.product())
    asked = analyst.ask(case["id"], case["revision"], "Where does it come from?")
    assert (asked["state"], asked["claim_expires_at"]) == ("awaiting_customer", None)
    assert customer.reply(case["id"], "From our own build.")["state"] == "in_analysis"
    back = analyst.submission(case["id"])
    assert back["analyst"] == case["analyst"]
    assert analyst.answer(back["id"], back["revision"], "Thank you.", is_qualified=True)["state"] == "in_analysis"


def test_a_word_at_any_other_open_time_is_a_comment(world: World) -> None:
    customer = world.customer()
    case = world.queued(customer, world.product())
    assert customer.reply(case["id"], "Is there news?")["state"] == "queued"
    assert names(customer.timeline(case["id"]))[-1] == "commented"
    customer.withdraw(case["id"])
    with refused(409, "state_forbids"):
        customer.reply(case["id"], "And now?")


@pytest.mark.parametrize("state", ["queued", "in_analysis", "awaiting_customer", "determined", "fixed"])
def test_a_case_can_be_withdrawn_in_every_open_state(world: World, state: str) -> None:
    customer = world.customer()
    case = _in_state(world, customer, state)
    assert case["state"] == state
    closed = customer.withdraw(case["id"], "No longer needed.")
    assert (closed["state"], closed["resolution"]) == ("closed", "withdrawn")
    with refused(409, "state_forbids") as told:
        customer.withdraw(case["id"])
    assert told["state"] == "closed"


def _in_state(world: World, customer: Client, state: str) -> dict[str, Any]:
    product = world.product()
    if state == "fixed":
        return fixed(world, customer, product)
    if state == "determined":
        return world.determined(world.analyst, customer, product)
    if state == "queued":
        return world.queued(customer, product)
    case = world.claimed(world.analyst, customer, product)
    if state == "in_analysis":
        return case
    asked: dict[str, Any] = world.analyst.ask(case["id"], case["revision"], "Which file is it?")
    return asked


def test_a_fix_is_confirmed_once(world: World) -> None:
    customer = world.customer()
    case = fixed(world, customer, world.product())
    assert case["fixed_in"] == "20261122.2"
    confirmed = customer.confirm(case["id"])
    assert (confirmed["state"], confirmed["resolution"]) == ("closed", "signature_modified")
    with refused(409, "state_forbids"):
        customer.confirm(case["id"])


def test_what_is_not_fixed_cannot_be_confirmed(world: World) -> None:
    customer = world.customer()
    case = world.queued(customer, world.product())
    with refused(409, "state_forbids") as told:
        customer.confirm(case["id"])
    assert told["allowed"] == "fixed"


def test_a_fixed_case_that_still_happens_goes_to_another_analyst(world: World) -> None:
    customer = world.customer()
    case = fixed(world, customer, world.product())
    _comes_back(world, customer.still_happens(case["id"], "It is still detected."))


def test_a_closed_case_that_still_happens_goes_to_another_analyst(world: World) -> None:
    customer = world.customer()
    case = fixed(world, customer, world.product())
    customer.confirm(case["id"])
    _comes_back(world, customer.still_happens(case["id"], "It came back."))


def test_a_disputed_decision_goes_to_another_analyst(world: World) -> None:
    customer = world.customer()
    case = world.claimed(world.analyst, customer, world.product())
    closed = world.analyst.determine(case["id"], case["revision"], "correct_detection", "malware", "It is malware.")
    assert (closed["state"], closed["resolution"]) == ("closed", "no_change")
    _comes_back(world, customer.dispute(case["id"], "It is our own program."))


def _comes_back(world: World, reopened: dict[str, Any]) -> None:
    assert (reopened["state"], reopened["answered_at"], reopened["closed_at"]) == ("queued", None, None)
    with refused(409, "another_analyst_needed"):
        world.analyst.claim(reopened["id"], reopened["revision"])
    other = world.person("analyst")
    taken = other.claim(reopened["id"], reopened["revision"])
    assert taken["state"] == "in_analysis"
    assert taken["analyst"] is not None
    decided = other.determine(taken["id"], taken["revision"], "inconclusive", "unknown", "We cannot tell.")
    assert decided["state"] == "closed"
