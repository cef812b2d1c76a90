"""PostgreSQL, Redis and S3 go away and come back: what is said meanwhile, and that nothing accepted is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import PartName, Service
from sigreq.embedded.stack import ServerName
from sigreq_client.certificates import trusted
from tests.database import locked, one
from tests.plain import problem, upload
from tests.wire import stored
from tests.world import MARKER, World, wait_for

POOL_SIZE = 2
MOST_CONNECTIONS = 2 * POOL_SIZE
FILE = ("file.bin", MARKER)
WORKERS: tuple[PartName, ...] = ("worker-expedited", "worker-standard")


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Service]:
    """A service whose servers are killed, with few connections to the database."""
    env = {"SIGREQ_DATABASE__POOL_SIZE": str(POOL_SIZE)}
    with Service(tmp_path_factory.mktemp("frail") / "data", env=env, fork_server=fork_server) as running:
        yield running


@pytest.fixture(scope="module")
def town(frail: Service) -> Iterator[World]:
    """The world of that service."""
    with World(frail.url, first_keys(frail.env["SIGREQ_DATABASE__URL"], frail.data / "keys")) as made:
        yield made


@dataclass(frozen=True)
class Customer:
    """Somebody who can submit."""

    organisation: str
    http: httpx2.Client
    fields: dict[str, Any]

    def submits(self, **headers: str) -> httpx2.Response:
        return upload(self.http, self.fields, FILE, **headers)


@pytest.fixture
def customer(town: World) -> Customer:
    organisation = town.organisation()
    return Customer(organisation, town.plain(town.key("customer", organisation)), town.fields(town.product()))


@contextmanager
def down(service: Service, name: ServerName) -> Iterator[None]:
    """Without this server; at the end it is back, and the service says that it is ready."""
    service.kill(name)
    try:
        yield
    finally:
        service.revive()
        wait_for(lambda: _ready(service)[1]["status"], lambda status: status == "ready")


def _ready(service: Service) -> tuple[int, dict[str, Any]]:
    answer = httpx2.get(f"{service.url}/health/ready", timeout=30, trust_env=False, verify=trusted())
    return answer.status_code, answer.json()


def _unavailable(answer: httpx2.Response, who: str) -> None:
    problem(answer, 503, "service_unavailable", f"{who} cannot be reached", "Try again in 5 seconds")
    assert answer.headers["retry-after"] == "5"


def _submissions(service: Service, customer: Customer) -> Any:
    return one(service, "SELECT count(*) FROM submission WHERE organisation_id = :it", it=customer.organisation)


def test_without_s3_a_submission_is_refused_and_a_retry_works(frail: Service, town: World, customer: Customer) -> None:
    with down(frail, "seaweed"):
        _unavailable(customer.submits(Idempotency_Key="again"), "the store of sigreq-samples")
        assert _submissions(frail, customer) == 0
        status, found = _ready(frail)
        assert (status, found["status"]) == (503, "unavailable")
        assert "cannot be reached" in found["checks"]["samples"]
        assert found["checks"]["database"] == found["checks"]["redis"] == "ok"
        assert customer.http.get("/v1/account").status_code == 200
    retried = customer.submits(Idempotency_Key="again")
    assert (retried.status_code, retried.json()["is_joined"]) == (202, False)
    assert "idempotency-replayed" not in retried.headers
    assert town.until(retried.json()["id"], "queued")["finding"] == "supported"
    assert len(stored(frail, customer.organisation)) == 1


def test_without_postgresql_everything_says_so_and_then_works_again(
    frail: Service, town: World, customer: Customer
) -> None:
    with down(frail, "postgres"):
        for _ in range(2 * MOST_CONNECTIONS):  # each of the connections it had is found broken once
            _unavailable(customer.http.get("/v1/account"), "the database")
        _unavailable(customer.submits(), "the database")
        status, found = _ready(frail)
        assert (status, found["status"], found["checks"]["samples"]) == (503, "unavailable", "ok")
        assert "cannot be reached" in found["checks"]["database"]
        assert httpx2.get(f"{frail.url}/health/live", trust_env=False, verify=trusted()).status_code == 200
    assert customer.http.get("/v1/account").status_code == 200
    retried = customer.submits()
    assert (retried.status_code, retried.json()["is_joined"]) == (202, False)
    assert town.until(retried.json()["id"], "queued")["finding"] == "supported"


def test_a_postgresql_that_was_restarted_between_two_requests_costs_no_crash(
    frail: Service, customer: Customer
) -> None:
    with ThreadPoolExecutor(MOST_CONNECTIONS) as pool:
        list(pool.map(lambda _: customer.http.get("/v1/account"), range(20)))
        frail.kill("postgres")
        frail.revive()
        after = list(pool.map(lambda _: customer.http.get("/v1/account"), range(20)))
    for answer in after:
        if answer.status_code != 200:
            _unavailable(answer, "the database")
    wait_for(lambda: customer.http.get("/v1/account").status_code, lambda status: status == 200)


def test_a_postgresql_that_dies_in_the_middle_of_a_request_is_told_as_such(
    frail: Service, town: World, customer: Customer
) -> None:
    case = town.until(customer.submits().json()["id"], "queued")
    with ThreadPoolExecutor(1) as pool:
        with locked(frail, "SELECT 1 FROM submission WHERE id = :id FOR UPDATE", id=case["id"]) as wait_for_waiting:
            waiting = pool.submit(_reply, customer, case["id"])
            wait_for_waiting(1)
            with down(frail, "postgres"):
                _unavailable(waiting.result(), "the database")
        wait_for(lambda: _reply(customer, case["id"]).status_code, lambda status: status == 200)


def test_when_all_connections_are_busy_the_next_request_is_told_to_come_back(
    frail: Service, town: World, customer: Customer
) -> None:
    case = town.until(customer.submits().json()["id"], "queued")
    with ThreadPoolExecutor(MOST_CONNECTIONS) as pool:
        with locked(frail, "SELECT 1 FROM submission WHERE id = :id FOR UPDATE", id=case["id"]) as wait_for_waiting:
            busy = [pool.submit(_reply, customer, case["id"]) for _ in range(MOST_CONNECTIONS)]
            wait_for_waiting(MOST_CONNECTIONS)
            _unavailable(customer.http.get("/v1/account"), "the database")
        assert [each.result().status_code for each in busy] == [200] * MOST_CONNECTIONS


def _reply(customer: Customer, submission_id: str) -> httpx2.Response:
    return customer.http.post(f"/v1/submissions/{submission_id}/reply", json={"message": "Any news?"})


def test_without_redis_a_submission_is_accepted_and_screened(frail: Service, town: World, customer: Customer) -> None:
    with down(frail, "redis"):
        accepted = customer.submits()
        assert accepted.status_code == 202
        assert town.until(accepted.json()["id"], "queued")["finding"] == "supported"
        status, found = _ready(frail)
        assert (status, found["status"]) == (200, "degraded")
        assert "cannot be reached" in found["checks"]["redis"]
    town.submit(town.customer(), customer.fields["product"])


def test_a_submission_whose_sample_cannot_be_read_just_now_waits_and_spends_no_attempt(
    frail: Service, town: World, customer: Customer
) -> None:
    job = "SELECT {} FROM job WHERE args->>'submission_id' = :id"
    for worker in WORKERS:
        frail.kill(worker)
    submission_id = customer.submits().json()["id"]
    with down(frail, "seaweed"):
        for worker in WORKERS:
            frail.start_part(worker)
        put_back = job.format("last_error LIKE '%the store of sigreq-%'")
        wait_for(lambda: one(frail, put_back, id=submission_id), lambda is_so: is_so is True)
        assert town.analyst.submission(submission_id)["state"] == "screening"
    case = town.until(submission_id, "queued")
    assert (case["finding"], case["needs_attention"]) == ("supported", None)
    assert one(frail, job.format("attempts"), id=submission_id) == 1
