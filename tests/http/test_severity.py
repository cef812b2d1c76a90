"""Severity and clocks: raising brings the answer forward, lowering never for free, reopening counts anew."""

from datetime import timedelta

import pytest

from tests.flows import names, refused
from tests.promises import HOUR, at, customer, plan
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def test_raising_counts_from_the_change_and_never_later_than_before(world: World) -> None:
    _, client = customer(world, plan(world, (600, 60, 120, 240)))
    case = world.queued(client, world.product(), severity=4)
    raised = world.analyst.change_severity(case["id"], case["revision"], 3)
    changed_at = at(world.analyst.timeline(case["id"])["items"][-1], "at")
    assert at(raised, "due_at") == changed_at + 2 * HOUR
    higher = world.analyst.change_severity(case["id"], raised["revision"], 2)
    assert at(higher, "due_at") < at(raised, "due_at")
    highest = world.analyst.change_severity(case["id"], higher["revision"], 1)
    assert highest["due_at"] == higher["due_at"], "ten hours from now would be later"
    told = client.timeline(case["id"])["items"][-1]
    assert (told["name"], told["data"]["due_at"]) == ("severity_changed", at(highest, "due_at").isoformat())


def test_lowering_needs_a_reason_and_counts_from_the_beginning(world: World) -> None:
    _, client = customer(world, plan(world, (60, 120, 180, 240)))
    case = world.queued(client, world.product(), severity=1)
    with refused(422, "reason_missing"):
        world.analyst.change_severity(case["id"], case["revision"], 3)
    assert world.analyst.submission(case["id"]) == case
    lowered = world.analyst.change_severity(case["id"], case["revision"], 3, "Nothing crashes.")
    assert at(lowered, "due_at") == at(case, "received_at") + 3 * HOUR
    assert at(lowered, "warn_at") == at(case, "received_at") + 0.75 * 3 * HOUR


def test_raising_and_lowering_again_leaves_no_trace_in_the_due_time(world: World) -> None:
    _, client = customer(world, plan(world, (60, 120, 180, 240)))
    case = world.queued(client, world.product(), severity=3)
    raised = world.analyst.change_severity(case["id"], case["revision"], 1)
    lowered = world.analyst.change_severity(case["id"], raised["revision"], 3, "A mistake.")
    assert lowered["due_at"] == case["due_at"]


def test_a_severity_that_becomes_guaranteed_is_promised_from_then_on(world: World) -> None:
    """MSA Start guarantees severity 1 only."""
    _, client = customer(world, "msa_start")
    case = world.queued(client, world.product(), severity=2)
    assert (case["is_guaranteed"], case["response_due_at"], case["warn_at"]) == (False, None, None)
    raised = world.analyst.change_severity(case["id"], case["revision"], 1)
    assert raised["is_guaranteed"]
    assert client.submission(case["id"])["response_due_at"] == raised["due_at"]
    assert at(raised, "warn_at") < at(raised, "due_at")


def test_after_the_answer_the_severity_moves_no_due_time(world: World) -> None:
    _, client = customer(world, plan(world))
    case = world.claimed(world.analyst, client, world.product(), severity=3)
    answered = world.analyst.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    raised = world.analyst.change_severity(case["id"], answered["revision"], 1)
    assert (raised["severity"], raised["due_at"]) == (1, answered["due_at"])
    assert raised["answered_at"] == answered["answered_at"]


@pytest.mark.parametrize("word", ["still_happens", "dispute"])
def test_a_case_that_comes_back_has_a_new_clock(world: World, word: str) -> None:
    _, client = customer(world, plan(world))
    case = world.claimed(world.analyst, client, world.product(), severity=2)
    closed = world.analyst.determine(case["id"], case["revision"], "correct_detection", "malware", "It is malware.")
    assert closed["answered_at"] is not None
    (client.still_happens if word == "still_happens" else client.dispute)(case["id"], "It is not.")
    back = world.analyst.submission(case["id"])
    reopened_at = at(world.analyst.timeline(case["id"])["items"][-1], "at")
    assert (back["answered_at"], back["state"]) == (None, "queued")
    assert at(back, "due_at") == reopened_at + 2 * HOUR
    assert at(back, "warn_at") == reopened_at + 0.75 * 2 * HOUR
    raised = world.analyst.change_severity(back["id"], back["revision"], 1)
    assert at(raised, "due_at") < at(back, "due_at")
    assert at(raised, "due_at") > reopened_at + timedelta(minutes=59)
    assert "severity_changed" in names(client.timeline(case["id"]))
