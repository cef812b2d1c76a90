"""Two people at one case, and writes based on what is no longer so."""

from datetime import datetime

import httpx2
import pytest

from sigreq_client import Client
from tests.plain import problem
from tests.world import World


@pytest.fixture
def customer(world: World) -> Client:
    return world.customer()


@pytest.fixture
def http(world: World) -> httpx2.Client:
    """Another analyst."""
    return world.plain(world.key("analyst"))


def test_a_second_claim_is_told_who_holds_the_first_and_until_when(
    world: World, customer: Client, http: httpx2.Client
) -> None:
    holder = world.person("analyst")
    case = world.claimed(holder, customer, world.product())
    for revision in (case["revision"], case["revision"] - 1):
        answer = http.post(f"/v1/submissions/{case['id']}/claim", headers={"If-Match": f'"{revision}"'})
        found = problem(answer, 409, "claim_held", f"{case['id']} is claimed by {case['analyst_name']} until")
        assert found["holder"] == case["analyst"]
        assert datetime.fromisoformat(found["until"]) == datetime.fromisoformat(case["claim_expires_at"])


def test_only_the_holder_of_a_claim_may_write(world: World, customer: Client, http: httpx2.Client) -> None:
    case = world.claimed(world.person("analyst"), customer, world.product())
    writes = {
        "ask": {"message": "?"},
        "answer": {"message": "!"},
        "give-back": {},
        "determine": {"determination": "inconclusive", "final_verdict": "unknown", "message": "!"},
    }
    for write, body in writes.items():
        headers = {"If-Match": f'"{case["revision"]}"'}
        answer = http.post(f"/v1/submissions/{case['id']}/{write}", json=body, headers=headers)
        problem(answer, 409, "claim_held", case["analyst_name"])
    assert world.analyst.submission(case["id"])["revision"] == case["revision"]


def test_a_move_that_the_state_forbids_is_told_the_state_and_where_it_is_possible(
    world: World, http: httpx2.Client
) -> None:
    key = world.key("customer", world.organisation())
    case = world.queued(world.client(key), world.product())
    found = problem(
        world.plain(key).post(f"/v1/submissions/{case['id']}/confirm"),
        409, "state_forbids", f"{case['id']} is queued", "`confirmed` is possible only when it is fixed",
    )  # fmt: skip
    assert (found["state"], found["action"], found["allowed"]) == ("queued", "confirmed", "fixed")
    answer = http.post(
        f"/v1/submissions/{case['id']}/answer", json={"message": "!"}, headers={"If-Match": f'"{case["revision"]}"'}
    )
    problem(answer, 409, "state_forbids", "is queued", "only when it is in_analysis")


def test_a_closed_submission_cannot_be_withdrawn_again(world: World) -> None:
    key = world.key("customer", world.organisation())
    case = world.queued(world.client(key), world.product())
    assert world.client(key).withdraw(case["id"])["state"] == "closed"
    answer = world.plain(key).post(f"/v1/submissions/{case['id']}/withdraw", json={})
    problem(answer, 409, "state_forbids", "is closed")


def test_a_deciding_write_needs_the_revision_it_is_based_on(
    world: World, customer: Client, http: httpx2.Client
) -> None:
    case = world.queued(customer, world.product())
    answer = http.post(f"/v1/submissions/{case['id']}/claim")
    problem(answer, 428, "if_match_missing", "the header If-Match with the ETag of the submission")
    problem(http.post("/v1/changes/CH-1/test"), 428, "if_match_missing", "the ETag of the change")


@pytest.mark.parametrize("sent", ["*", "7", '""', '"x"', '"1", "2"', '"-1"', '"1234567890"'])
def test_a_malformed_if_match_is_told_its_form(http: httpx2.Client, sent: str) -> None:
    answer = http.post("/v1/submissions/SR-1/claim", headers={"If-Match": sent})
    problem(answer, 400, "request_malformed", "If-Match must be the ETag", '"7"')


def test_a_write_based_on_an_older_revision_is_told_the_current_one(
    world: World, customer: Client, http: httpx2.Client
) -> None:
    case = world.queued(customer, world.product())
    for held in (case["revision"] - 1, case["revision"] + 1):
        answer = http.post(f"/v1/submissions/{case['id']}/claim", headers={"If-Match": f'"{held}"'})
        found = problem(answer, 412, "revision_stale", f"you hold revision {held}", f"now it is {case['revision']}")
        assert (found["held"], found["current"]) == (held, case["revision"])


def test_the_etag_of_an_answer_is_what_if_match_takes(world: World, customer: Client, http: httpx2.Client) -> None:
    case = world.queued(customer, world.product())
    tag = http.get(f"/v1/submissions/{case['id']}").headers["etag"]
    assert tag == f'"{case["revision"]}"'
    taken = http.post(f"/v1/submissions/{case['id']}/claim", headers={"If-Match": f"W/{tag}"})
    assert (taken.status_code, taken.headers["etag"]) == (200, f'"{case["revision"] + 1}"')


def test_a_customers_stale_revision_is_refused_when_they_send_one(world: World) -> None:
    key = world.key("customer", world.organisation())
    case = world.queued(world.client(key), world.product())
    address = f"/v1/submissions/{case['id']}/withdraw"
    problem(world.plain(key).post(address, json={}, headers={"If-Match": '"1"'}), 412, "revision_stale")
    problem(world.plain(key).post(address, json={}, headers={"If-Match": "1"}), 400, "request_malformed")
    assert world.plain(key).post(address, json={}).status_code == 200
