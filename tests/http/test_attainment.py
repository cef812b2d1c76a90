"""The report: how the promises were kept, each miss with its case and reason, for those who answer for it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.flows import HARMLESS, call, names, refused
from tests.promises import DAY, at, customer, plan, shorten
from tests.world import World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")


def lines(reader: Client, plan_id: str) -> list[dict[str, Any]]:
    """What the report says of one plan."""
    return [line for line in reader.attainment()["lines"] if line["plan"] == plan_id]


def misses(reader: Client, plan_id: str) -> dict[str, dict[str, Any]]:
    """The misses of one plan by their case."""
    return {miss["submission_id"]: miss for miss in reader.attainment()["misses"] if miss["plan"] == plan_id}


def answered(world: World, client: Client, product: str, **more: Any) -> dict[str, Any]:
    """A case with its qualified answer."""
    case = world.claimed(world.analyst, client, product, **more)
    found: dict[str, Any] = world.analyst.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    return found


def overdue(world: World, client: Client, product: str, **more: Any) -> dict[str, Any]:
    """A case of a very short plan whose time has run out."""
    case = world.queued(client, product, **more)
    wait_for(lambda: datetime.now(UTC), lambda now: now > at(case, "due_at"))
    return case


def test_clocks_are_counted_by_plan_severity_and_month(world: World) -> None:
    _, client = customer(world, plan_id := plan(world))
    product, fixed = world.product(), world.product()
    world.publish(fixed, "20261122.2", {"Marker": HARMLESS}, ago=timedelta(hours=1))
    for _ in range(2):
        answered(world, client, product, severity=2)
    answered(world, client, product, severity=3)
    client.withdraw(world.submit(client, product, severity=3)["id"])
    world.until(world.submit(client, fixed, severity=3)["id"], "closed")
    month = f"{datetime.now(UTC):%Y-%m}"
    world.submit(client, product, severity=4)
    found = lines(world.lead, plan_id)
    assert [(line["severity"], line["month"]) for line in found] == [(2, month), (3, month), (4, month)]
    counts = [(line["met"], line["missed"], line["not_counted"], line["running"]) for line in found]
    assert counts == [(2, 0, 0, 0), (1, 0, 2, 0), (0, 0, 0, 1)]
    assert [line["attainment"] for line in found] == [1.0, 1.0, None]
    assert found[0]["p50_hours"] <= found[0]["p90_hours"]
    assert (found[2]["p50_hours"], found[2]["p90_hours"]) == (None, None)
    assert misses(world.lead, plan_id) == {}


def test_late_and_outstanding_answers_are_misses_with_their_reason(world: World, service: Service) -> None:
    _, client = customer(world, plan_id := plan(world))
    shorten(service, plan_id, 0.2)
    product = world.product()
    late = overdue(world, client, product, severity=1)
    held = world.analyst.claim(late["id"], world.analyst.submission(late["id"])["revision"])
    told = world.analyst.answer(held["id"], held["revision"], "It is clean.", is_qualified=True)
    outstanding = overdue(world, client, product, severity=1)
    (line,) = lines(world.lead, plan_id)
    assert (line["met"], line["missed"], line["attainment"], line["running"]) == (0, 2, 0.0, 0)
    found = misses(world.lead, plan_id)
    assert found.keys() == {late["id"], outstanding["id"]}
    assert found[late["id"]]["answered_at"] == told["answered_at"]
    assert found[late["id"]]["due_at"] == told["due_at"]
    assert found[late["id"]]["hours_late"] >= 0
    nothing_yet = {"answered_at": None, "hours_late": None, "reason": None}
    assert {name: found[outstanding["id"]][name] for name in nothing_yet} == nothing_yet
    explained = world.analyst.explain_miss(told["id"], told["revision"], "Nobody was there.")
    world.lead.explain_miss(told["id"], explained["revision"], "The mail server was down.")
    assert misses(world.lead, plan_id)[late["id"]]["reason"] == "The mail server was down."
    assert "miss_explained" in names(world.analyst.timeline(late["id"]))
    assert "miss_explained" not in names(client.timeline(late["id"])), "a reason is not for the customer"


def test_a_withdrawal_is_not_counted_even_after_the_due_time(world: World, service: Service) -> None:
    _, client = customer(world, plan_id := plan(world))
    shorten(service, plan_id, 0.2)
    case = overdue(world, client, world.product())
    client.withdraw(case["id"])
    (line,) = lines(world.lead, plan_id)
    assert (line["met"], line["missed"], line["not_counted"], line["running"]) == (0, 0, 1, 0)


def test_a_case_that_came_back_counts_once_for_each_clock(world: World) -> None:
    _, client = customer(world, plan_id := plan(world))
    case = world.claimed(world.analyst, client, world.product(), severity=1)
    world.analyst.determine(case["id"], case["revision"], "correct_detection", "malware", "It is malware.")
    client.still_happens(case["id"], "It is not.")
    (line,) = lines(world.lead, plan_id)
    assert (line["met"], line["running"]) == (1, 1)
    client.withdraw(case["id"])
    (line,) = lines(world.lead, plan_id)
    assert (line["met"], line["not_counted"], line["running"], line["attainment"]) == (1, 1, 0, 1.0)


def test_what_was_never_promised_is_not_in_the_report(world: World) -> None:
    plan_id = plan(world, is_guaranteed=False)
    answered(world, customer(world, plan_id)[1], product := world.product())
    answered(world, customer(world, "standard")[1], product)
    assert lines(world.lead, plan_id) == lines(world.lead, "standard") == []


def test_csv_says_what_json_says(world: World) -> None:
    _, client = customer(world, plan_id := plan(world))
    answered(world, client, product := world.product(), severity=2)
    world.submit(client, product, severity=4)
    answer = call(world, world.keys["lead"], "GET", "/v1/reports/attainment?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    found = [row for row in csv.DictReader(io.StringIO(answer.text)) if row["plan"] == plan_id]
    expected = lines(world.lead, plan_id)
    assert found == [{name: "" if each is None else str(each) for name, each in line.items()} for line in expected]
    assert list(found[0]) == list(expected[0])
    into = io.BytesIO()
    world.lead.attainment_csv(into)
    assert plan_id in into.getvalue().decode()


def test_a_report_can_be_of_some_days(world: World) -> None:
    _, client = customer(world, plan_id := plan(world))
    case = answered(world, client, world.product())
    day = at(case, "received_at").date()
    for since, until, is_in in ((day, day + DAY, True), (day + DAY, day + 2 * DAY, False), (day - DAY, day, False)):
        found = world.lead.attainment(since, until)
        assert (found["since"], found["until"]) == (since.isoformat(), until.isoformat())
        assert any(line["plan"] == plan_id for line in found["lines"]) is is_in


def test_the_report_is_for_those_who_answer_for_it(world: World) -> None:
    for role in ("lead", "auditor", "administrator"):
        assert "lines" in world.person(role).attainment()
    for client in (world.analyst, world.release, world.customer()):
        with refused(403, "wrong_role"):
            client.attainment()
    for query in ("since=yesterday", "until=2026-13-01", "format=xml"):
        wrong = call(world, world.keys["lead"], "GET", f"/v1/reports/attainment?{query}")
        assert (wrong.status_code, wrong.json()["code"]) == (422, "field_invalid"), query
