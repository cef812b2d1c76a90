"""Claims, answers and conclusions of analysts."""

from datetime import datetime

import pytest

from tests.commands import key_to, sigreq
from tests.flows import names, refused
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def test_a_second_claim_is_refused_naming_the_holder_and_the_end(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    other = world.key("analyst")
    with refused(409, "claim_held") as told:
        world.client(other).claim(case["id"], case["revision"])
    assert (told["holder"], told["holder_name"]) == (case["analyst"], case["analyst_name"])
    assert datetime.fromisoformat(told["until"]) == datetime.fromisoformat(case["claim_expires_at"])
    (result,) = world.client(other).decide_together({case["id"]: case["revision"]}, "It is clean.")["items"]
    assert result["problem"]["holder_name"] == case["analyst_name"]
    seen = sigreq("decide", "claim", case["id"], env=key_to(world.url, other))
    assert f"is claimed by {case['analyst_name']} until" in seen.stderr
    shown = sigreq("status", case["id"], env=key_to(world.url, other))
    assert f"{case['analyst_name']} ({case['analyst']})" in shown.stdout
    listed = [each for each in world.client(other).submissions()["items"] if each["id"] == case["id"]]
    assert [each["analyst_name"] for each in listed] == [case["analyst_name"]]


def test_claiming_ones_own_case_makes_the_claim_last_longer(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    renewed = world.analyst.claim(case["id"], case["revision"])
    assert renewed["claim_expires_at"] > case["claim_expires_at"]
    assert names(world.analyst.timeline(case["id"]))[-2:] == ["taken", "claim_renewed"]


def test_a_case_given_back_stands_in_the_queue_where_it_stood(world: World) -> None:
    customer, product = world.customer(), world.product()
    ids = [world.queued(customer, product)["id"] for _ in range(3)]
    second = world.analyst.submission(ids[1])
    held = world.analyst.claim(second["id"], second["revision"])
    assert ids[1] not in _queue_of(world, ids)
    world.analyst.give_back(held["id"], held["revision"], "I am out of office.")
    assert _queue_of(world, ids) == ids
    back = world.analyst.submission(ids[1])
    assert world.person("analyst").claim(back["id"], back["revision"])["state"] == "in_analysis"


def test_what_only_the_holder_may_do_is_refused_to_others(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    other = world.person("analyst")
    with refused(409, "claim_held"):
        other.give_back(case["id"], case["revision"])
    with refused(409, "claim_held"):
        other.ask(case["id"], case["revision"], "What is it?")
    with refused(409, "claim_held"):
        other.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    with refused(409, "claim_held"):
        other.determine(case["id"], case["revision"], "inconclusive", "unknown", "We cannot tell.")


def test_nobody_can_conclude_what_nobody_holds(world: World) -> None:
    case = world.queued(world.customer(), world.product())
    with refused(409, "state_forbids") as told:
        world.analyst.determine(case["id"], case["revision"], "inconclusive", "unknown", "We cannot tell.")
    assert (told["state"], told["allowed"]) == ("queued", "in_analysis")


def test_only_the_first_qualified_answer_stops_the_clock(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    case = world.analyst.answer(case["id"], case["revision"], "We have it.", is_qualified=False)
    assert case["answered_at"] is None
    first = world.analyst.answer(case["id"], case["revision"], "It looks clean.", is_qualified=True)
    assert first["answered_at"] is not None
    again = world.analyst.answer(first["id"], first["revision"], "It is clean.", is_qualified=True)
    assert again["answered_at"] == first["answered_at"]


def test_a_write_over_a_newer_revision_is_refused(world: World) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product())
    newer = world.analyst.answer(case["id"], case["revision"], "We have it.", is_qualified=False)
    with refused(412, "revision_stale") as told:
        world.analyst.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    assert (told["held"], told["current"]) == (case["revision"], newer["revision"])


@pytest.mark.parametrize(
    ("kind", "determination"),
    [
        ("false_positive", "false_negative_confirmed"),
        ("false_positive", "already_detected"),
        ("false_positive", "not_malicious"),
        ("false_negative", "false_positive_confirmed"),
        ("false_negative", "correct_detection"),
        ("false_negative", "customer_override"),
    ],
)
def test_a_determination_that_does_not_fit_the_kind_is_refused(world: World, kind: str, determination: str) -> None:
    case = world.claimed(world.analyst, world.customer(), world.product(), kind=kind)
    with refused(422, "determination_unfit") as told:
        world.analyst.determine(case["id"], case["revision"], determination, "clean", "So it is.")
    assert "inconclusive" in told["allowed"]
    assert world.analyst.submission(case["id"])["revision"] == case["revision"]


def test_lowering_the_severity_needs_a_reason(world: World) -> None:
    case = world.queued(world.customer("msa_business"), world.product(), severity=2)
    with refused(422, "reason_missing"):
        world.analyst.change_severity(case["id"], case["revision"], 3)
    lowered = world.analyst.change_severity(case["id"], case["revision"], 3, "Nothing is lost.")
    assert lowered["severity"] == 3
    assert _at(lowered["due_at"]) > _at(case["due_at"])


def test_raising_the_severity_only_brings_the_due_time_forward(world: World) -> None:
    customer, product = world.customer("msa_business"), world.product()
    case = world.queued(customer, product, severity=4)
    raised = world.analyst.change_severity(case["id"], case["revision"], 1)
    assert _at(raised["due_at"]) < _at(case["due_at"])
    lowered = world.analyst.change_severity(case["id"], raised["revision"], 4, "It was not that bad.")
    assert _at(lowered["due_at"]) == _at(case["due_at"])


def test_stating_the_same_severity_again_moves_no_due_time(world: World) -> None:
    case = world.queued(world.customer("msa_business"), world.product(), severity=4)
    raised = world.analyst.change_severity(case["id"], case["revision"], 1)
    again = world.analyst.change_severity(case["id"], raised["revision"], 1)
    assert (again["due_at"], again["warn_at"]) == (raised["due_at"], raised["warn_at"])


def test_a_target_that_nobody_promised_is_not_told_to_the_customer(world: World) -> None:
    customer = world.customer("standard")
    case = world.queued(customer, world.product(), severity=4)
    world.analyst.change_severity(case["id"], case["revision"], 2)
    assert customer.submission(case["id"])["response_due_at"] is None
    last = customer.timeline(case["id"])["items"][-1]
    assert (last["name"], last["data"]["from"], last["data"]["to"]) == ("severity_changed", 4, 2)
    assert "due_at" not in last["data"]


def _queue_of(world: World, ids: list[str]) -> list[str]:
    return [item["id"] for item in world.analyst.queue(limit=200)["items"] if item["id"] in ids]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
