"""The same request again: one submission, one answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx2

from sigreq.embedded.service import Service
from tests.database import one
from tests.plain import problem, upload
from tests.world import MARKER, World

FILE = ("file.bin", MARKER + b" idempotency")
KEY = "one-and-the-same"
REPLAYED = "idempotency-replayed"


def _at_once(world: World, key: str, send: Callable[[httpx2.Client], httpx2.Response]) -> list[httpx2.Response]:
    """Eight times the same, with a connection each."""
    start = Barrier(8)

    def go(http: httpx2.Client) -> httpx2.Response:
        http.get("/health/live")
        start.wait()
        return send(http)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(go, [world.plain(key) for _ in range(8)]))


def _count(service: Service, organisation: str) -> Any:
    return one(service, "SELECT count(*) FROM submission WHERE organisation_id = :it", it=organisation)


def test_the_same_request_again_gets_the_same_answer(world: World, service: Service) -> None:
    organisation = world.organisation()
    http = world.plain(world.key("customer", organisation))
    fields = world.fields(world.product())
    first = upload(http, fields, FILE, Idempotency_Key=KEY)
    assert first.status_code == 202
    assert REPLAYED not in first.headers
    world.until(first.json()["id"], "queued")
    again = upload(http, fields, FILE, Idempotency_Key=KEY)
    assert (again.status_code, again.headers[REPLAYED]) == (202, "true")
    assert again.json() == first.json()
    assert [again.headers[name] for name in ("location", "etag")] == [
        first.headers[name] for name in ("location", "etag")
    ]
    assert _count(service, organisation) == 1


def test_the_same_request_eight_times_at_once_makes_one_submission(world: World, service: Service) -> None:
    organisation = world.organisation()
    fields = world.fields(world.product())
    key = world.key("customer", organisation)
    answers = _at_once(world, key, lambda http: upload(http, fields, FILE, Idempotency_Key=KEY))
    assert [answer.status_code for answer in answers] == [202] * 8
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert _count(service, organisation) == 1
    names = [each["name"] for each in world.analyst.timeline(answers[0].json()["id"])["items"]]
    assert "duplicate_joined" not in names


def test_the_answer_stays_the_same_when_the_database_has_become_outdated(world: World) -> None:
    http = world.plain(world.key("customer", world.organisation()))
    product = world.product()
    fields = world.fields(product)
    first = upload(http, fields, FILE, Idempotency_Key=KEY)
    world.publish(product, "20261122.2", ago=timedelta(hours=5))
    again = upload(http, fields, FILE, Idempotency_Key=KEY)
    assert (again.status_code, again.json(), again.headers[REPLAYED]) == (202, first.json(), "true")
    problem(upload(http, fields, FILE, Idempotency_Key="another"), 422, "database_outdated")
    other = upload(http, fields, ("file.bin", MARKER + b" other"), Idempotency_Key=KEY)
    problem(other, 422, "idempotency_key_reused")


def test_another_request_under_a_used_key_is_refused(world: World, service: Service) -> None:
    organisation = world.organisation()
    http = world.plain(world.key("customer", organisation))
    fields = world.fields(world.product())
    assert upload(http, fields, FILE, Idempotency_Key=KEY).status_code == 202
    renamed, changed = ("renamed.bin", FILE[1]), ("file.bin", FILE[1] + b".")
    others = [({**fields, "severity": 1}, [FILE]), (fields, [changed]), (fields, [renamed]), (fields, [FILE, changed])]
    for said, files in others:
        answer = upload(http, said, *files, Idempotency_Key=KEY)
        assert problem(answer, 422, "idempotency_key_reused", KEY, "Take a new key")["key"] == KEY
    assert _count(service, organisation) == 1


def test_two_customers_can_use_the_same_key(world: World) -> None:
    fields = world.fields(world.product())
    organisation = world.organisation()
    keys = [world.key("customer", organisation), world.key("customer", world.organisation())]
    answers = [upload(world.plain(key), fields, FILE, Idempotency_Key=KEY) for key in keys]
    assert all(REPLAYED not in answer.headers for answer in answers)
    assert answers[0].json()["id"] != answers[1].json()["id"]


def test_a_refused_request_does_not_use_up_its_key(world: World) -> None:
    http = world.plain(world.key("customer", world.organisation()))
    fields = world.fields(world.product())
    problem(upload(http, {**fields, "severity": 9}, FILE, Idempotency_Key=KEY), 422, "field_invalid")
    problem(upload(http, fields, ("file.bin", b""), Idempotency_Key=KEY), 422, "sample_empty")
    assert upload(http, fields, FILE, Idempotency_Key=KEY).status_code == 202


def test_the_same_file_again_joins_the_open_submission(world: World, service: Service) -> None:
    organisation = world.organisation()
    customer, product = world.person("customer", organisation), world.product()
    first = world.submit(customer, product, FILE[1])
    colleague = world.person("customer", organisation)
    again = world.submit(colleague, product, FILE[1], severity=1)
    assert (first["is_joined"], again["is_joined"], again["id"]) == (False, True, first["id"])
    assert again["severity"] == 1, "what makes the case more urgent counts"
    more: dict[str, Any] = {"detection_name": "Another.Name", "details": {"purpose": "Pays the wages."}}
    calmer = world.submit(colleague, product, FILE[1], severity=4, **more)
    assert (calmer["is_joined"], calmer["severity"]) == (True, 1), "nothing makes it less so"
    assert _count(service, organisation) == 1
    joined = [each for each in customer.timeline(first["id"])["items"] if each["name"] == "duplicate_joined"]
    assert len(joined) == 2
    assert joined[0]["data"]["severity"] == 1
    assert joined[1]["data"].items() >= {"detection_name": "Another.Name", "purpose": "Pays the wages."}.items()
    assert "product_version" not in joined[1]["data"], "only what was said otherwise"


def test_the_same_file_eight_times_at_once_makes_one_submission(world: World, service: Service) -> None:
    organisation = world.organisation()
    fields = world.fields(world.product())
    key = world.key("customer", organisation)
    known = world.submit(customer := world.client(key), fields["product"], FILE[1])
    customer.withdraw(known["id"])  # the file is known, its submission is closed
    answers = _at_once(world, key, lambda http: upload(http, fields, FILE))
    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.json()["is_joined"] for answer in answers) == [False] + [True] * 7
    assert _count(service, organisation) == 2


def test_submissions_of_different_customers_are_never_merged(world: World) -> None:
    product = world.product()
    first = world.submit(world.customer(), product, FILE[1])
    stranger = world.customer()
    second = world.submit(stranger, product, FILE[1])
    assert second["is_joined"] is False
    assert second["id"] != first["id"]
    assert [each["id"] for each in stranger.submissions()["items"]] == [second["id"]]
    names = [each["name"] for each in world.analyst.timeline(first["id"])["items"]]
    assert "duplicate_joined" not in names


def test_another_kind_product_or_file_is_a_submission_of_its_own(world: World) -> None:
    customer, product = world.customer(), world.product()
    made = [
        world.submit(customer, product, FILE[1]),
        world.submit(customer, product, FILE[1], kind="false_negative"),
        world.submit(customer, world.product(), FILE[1]),
        world.submit(customer, product, FILE[1] + b"."),
    ]
    assert [each["is_joined"] for each in made] == [False] * 4
    assert len({each["id"] for each in made}) == 4


def test_a_closed_submission_is_not_joined(world: World) -> None:
    customer, product = world.customer(), world.product()
    first = world.submit(customer, product, FILE[1])
    customer.withdraw(first["id"])
    second = world.submit(customer, product, FILE[1])
    assert second["is_joined"] is False
    assert second["id"] != first["id"]
