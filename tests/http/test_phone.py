"""Phone calls: required outside business hours, logged by who took them, or the beginning of a request."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import httpx2
import pytest

from sigreq.embedded.service import Service
from tests.database import write
from tests.flows import call, names, refused
from tests.plain import problem
from tests.promises import HOUR, PHONE, at, closed_for_days, customer, incidents, phone_plan, plan
from tests.world import MARKER, World

pytestmark = pytest.mark.usefixtures("balanced")


@pytest.fixture
def night(world: World) -> str:
    """A plan whose office is closed for some days."""
    return phone_plan(world, closed_for_days())


@pytest.fixture
def day(world: World) -> str:
    """A plan whose office is always open."""
    return phone_plan(world, "24x7")


def opening() -> datetime:
    """When the office of `night` opens next."""
    return (datetime.now(UTC) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)


def test_outside_business_hours_the_answer_asks_for_a_call_and_names_the_number(world: World, night: str) -> None:
    _, client = customer(world, night)
    submitted = world.submit(client, world.product(), severity=1)
    assert (submitted["phone_call_required"], submitted["phone_number"]) == (True, PHONE)
    (notice,) = submitted["notices"]
    assert "outside business hours" in notice
    assert PHONE in notice
    assert at(submitted, "response_due_at") == opening() + 2 * HOUR
    assert client.submission(submitted["id"])["phone_call_required"]


def test_a_logged_call_starts_the_clock_that_runs_round_the_clock(world: World, night: str) -> None:
    _, client = customer(world, night)
    case = world.queued(client, world.product(), severity=1)
    called_at = at(case, "received_at") + timedelta(milliseconds=1)
    called = world.analyst.log_call(case["id"], case["revision"], called_at, "They cannot work.")
    assert at(called, "response_due_at") == called_at + 2 * HOUR
    assert (called["phone_call_required"], called["notices"]) == (False, [])
    seen = client.timeline(case["id"])["items"][-1]
    assert (seen["name"], seen["data"]["called_at"]) == ("phone_called", called_at.isoformat())


def test_a_call_without_a_time_was_made_just_now(world: World, night: str) -> None:
    _, client = customer(world, night)
    case = world.queued(client, world.product(), severity=1)
    before = datetime.now(UTC)
    called = world.analyst.log_call(case["id"], case["revision"])
    assert before <= at(called, "response_due_at") - 2 * HOUR <= datetime.now(UTC)


def test_the_first_of_two_calls_decides(world: World, night: str) -> None:
    _, client = customer(world, night)
    case = world.queued(client, world.product(), severity=1)
    first = world.analyst.log_call(case["id"], case["revision"])
    second = world.analyst.log_call(case["id"], first["revision"])
    assert second["response_due_at"] == first["response_due_at"]


def test_a_call_does_not_open_the_office_for_the_other_severities(world: World, night: str) -> None:
    _, client = customer(world, night)
    case = world.queued(client, world.product(), severity=2)
    assert (case["phone_call_required"], at(case, "due_at")) == (True, opening() + 6 * HOUR)
    called = world.analyst.log_call(case["id"], case["revision"])
    assert (called["phone_call_required"], at(called, "due_at")) == (False, opening() + 6 * HOUR)


def test_in_business_hours_no_call_is_required(world: World, day: str) -> None:
    _, client = customer(world, day)
    submitted = world.submit(client, world.product(), severity=1)
    assert (submitted["phone_call_required"], submitted["notices"]) == (False, [])
    assert at(submitted, "response_due_at") == at(submitted, "received_at") + 2 * HOUR


def test_a_plan_without_phone_requires_none_at_any_time(world: World, night: str) -> None:
    office = next(each["office"] for each in world.administrator.plans()["items"] if each["id"] == night)
    _, silent = customer(world, plan(world, office=office, needs_phone=False))
    _, standard = customer(world, "standard")
    product = world.product()
    for client in (silent, standard):
        submitted = world.submit(client, product, severity=1)
        assert (submitted["phone_call_required"], submitted["notices"]) == (False, [])


def test_no_call_is_required_any_more_after_the_answer(world: World, night: str) -> None:
    _, client = customer(world, night)
    case = world.claimed(world.analyst, client, world.product(), severity=1)
    seen = client.submission(case["id"])
    assert (seen["phone_call_required"], seen["notices"]) == (True, []), "somebody has started"
    answered = world.analyst.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    assert (answered["phone_call_required"], answered["notices"]) == (False, [])


@pytest.mark.parametrize("minutes", [-1, 5])
def test_a_call_before_the_submission_or_in_the_future_is_refused(world: World, night: str, minutes: int) -> None:
    _, client = customer(world, night)
    case = world.queued(client, world.product(), severity=1)
    with refused(422, "call_out_of_time") as told:
        world.analyst.log_call(case["id"], case["revision"], at(case, "received_at") + timedelta(minutes=minutes))
    assert at(told, "earliest") == at(case, "received_at")
    assert world.analyst.submission(case["id"]) == case


def test_a_call_is_logged_on_what_was_read_and_by_analysts_only(world: World, night: str) -> None:
    organisation, client = customer(world, night)
    case = world.queued(client, world.product(), severity=1)
    with refused(412, "revision_stale"):
        world.analyst.log_call(case["id"], case["revision"] - 1)
    with refused(403, "wrong_role"):
        client.log_call(case["id"], case["revision"])
    with refused(403, "wrong_role"):
        client.take_phone_request(organisation, world.fields(world.product()))
    client.withdraw(case["id"])
    with refused(409, "state_forbids"):
        world.analyst.log_call(case["id"], case["revision"] + 1)


def taken(world: World, organisation: str, **more: Any) -> dict[str, Any]:
    """A request made by phone."""
    fields = world.fields(world.product(), severity=1)
    made: dict[str, Any] = world.analyst.take_phone_request(organisation, fields | more.pop("fields", {}), **more)
    return made


def send(world: World, link: str, content: bytes | None = None) -> httpx2.Response:
    """Upload one file by a link, without any key."""
    body = MARKER + link.encode() if content is None else content
    return world.plain().post(link, files=[("file", ("file.bin", body, "application/octet-stream"))])


def test_the_file_of_a_phone_request_comes_by_a_link_without_any_key(world: World, night: str) -> None:
    organisation, client = customer(world, night)
    request = taken(world, organisation)
    shown = world.plain().get(request["upload"])
    assert (shown.status_code, shown.json()["id"]) == (200, request["id"])
    assert client.submissions()["items"] == []
    answer = send(world, request["upload"])
    assert answer.status_code == 202, answer.text
    submitted = answer.json()
    assert at(submitted, "response_due_at") == at(submitted, "received_at") + 2 * HOUR
    assert (submitted["phone_call_required"], submitted["is_joined"]) == (False, False)
    assert [each["id"] for each in client.submissions()["items"]] == [submitted["id"]]
    case = world.until(submitted["id"], "queued")
    assert (case["organisation"], case["finding"] is not None) == (organisation, True)
    assert {"received", "phone_called"} <= set(names(client.timeline(submitted["id"])))


def test_a_request_by_phone_is_a_premium_incident_like_any_other(world: World) -> None:
    organisation, client = customer(world, "msa_start")
    request = taken(world, organisation)
    assert incidents(client) == (0, 0, 6)
    assert send(world, request["upload"]).json()["is_premium"]
    assert incidents(client) == (0, 1, 5)


def test_a_link_works_once(world: World, night: str) -> None:
    link = taken(world, customer(world, night)[0])["upload"]
    assert send(world, link).status_code == 202
    problem(send(world, link), 410, "upload_link_used", "works once")
    problem(world.plain().get(link), 410, "upload_link_used")


def test_a_link_that_has_expired_takes_nothing(world: World, service: Service, night: str) -> None:
    organisation, client = customer(world, night)
    request = taken(world, organisation, valid_hours=1)
    assert timedelta(minutes=59) < at(request, "expires_at") - datetime.now(UTC) <= HOUR
    statement = "UPDATE phone_request SET expires_at = now() - interval '1 second' WHERE id = :id"
    write(service, statement, id=request["id"])
    problem(send(world, request["upload"]), 410, "upload_link_expired", "expired at")
    problem(world.plain().get(request["upload"]), 410, "upload_link_expired")
    assert client.submissions()["items"] == []


def test_a_link_that_nobody_was_given_is_not_known(world: World) -> None:
    problem(send(world, "/v1/uploads/made-up"), 404, "upload_link_unknown", "copied whole")
    problem(world.plain().get("/v1/uploads/made-up"), 404, "upload_link_unknown")


def test_of_two_uploads_at_once_one_is_taken(world: World, night: str) -> None:
    organisation, client = customer(world, night)
    link = taken(world, organisation)["upload"]
    start = Barrier(2)

    def at_once(number: int) -> int:
        start.wait()
        return send(world, link, MARKER + f"{link} {number}".encode()).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(at_once, range(2))) == [202, 410]
    assert len(client.submissions()["items"]) == 1


def test_an_upload_that_fails_does_not_use_the_link_up(world: World, night: str) -> None:
    request = taken(world, customer(world, night)[0], fields={"hashes": [{"sha256": "0" * 64}]})
    link = request["upload"]
    problem(send(world, link, b""), 422, "sample_empty")
    problem(send(world, link, b"another file"), 422, "hash_mismatch")
    assert world.plain().get(link).status_code == 200
    whole = taken(world, customer(world, night)[0])["upload"]
    problem(send(world, whole, b""), 422, "sample_empty")
    assert send(world, whole).status_code == 202


def test_what_cannot_become_a_submission_is_refused_while_the_customer_is_on_the_phone(world: World) -> None:
    organisation, _ = customer(world, "msa_business")
    with refused(404, "not_found"):
        taken(world, "no-such-organisation")
    with refused(422, "database_version_unknown"):
        taken(world, organisation, fields={"database_version": "20260101.1"})
    for called_at in (datetime.now(UTC) + HOUR, datetime.now(UTC) - 25 * HOUR):
        with refused(422, "call_out_of_time"):
            taken(world, organisation, called_at=called_at)
    whole = {"organisation": organisation, "submission": world.fields(world.product()), "valid_hours": 0}
    problem(call(world, world.keys["analyst"], "POST", "/v1/phone-requests", json=whole), 422, "field_invalid")


def test_a_link_stays_good_though_the_database_has_become_outdated_meanwhile(world: World, night: str) -> None:
    organisation, _ = customer(world, night)
    product = world.product()
    request = world.analyst.take_phone_request(organisation, world.fields(product))
    world.publish(product, "20261122.2", ago=timedelta(hours=6))
    with refused(422, "database_outdated"):
        world.analyst.take_phone_request(organisation, world.fields(product))
    assert send(world, request["upload"]).status_code == 202
