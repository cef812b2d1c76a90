"""Keys and roles, and what belongs to somebody else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from sigreq.embedded.service import Service
from tests.database import open_transactions
from tests.plain import problem, upload
from tests.world import MARKER, World, wait_for

NOBODY = "SR-0000-0000-0000"
SOME = "SR-AAAA-BBBB-CCCC"
HELD = {"If-Match": '"1"'}
Requests = list[tuple[str, str, dict[str, Any] | None]]


@pytest.mark.parametrize("sent", [None, "Basic YTpi", "Bearer", "sgrq_live_abc"])
def test_without_a_key_there_is_no_way_in(world: World, sent: str | None) -> None:
    headers = {} if sent is None else {"Authorization": sent}
    answer = world.plain().get("/v1/account", headers=headers)
    problem(answer, 401, "key_missing", "Authorization: Bearer sgrq_live_")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_that_nobody_was_given_is_refused(world: World) -> None:
    made_up = world.plain("sgrq_live_" + 40 * "0" + "_00000000")
    problem(made_up.get("/v1/account"), 401, "key_unknown", "copied whole", "sgrq_live_")
    key = world.key("analyst")
    problem(world.plain(key[:-1]).get("/v1/queue"), 401, "key_unknown")
    problem(upload(made_up, world.fields(world.product()), ("a", MARKER)), 401, "key_unknown")


def test_a_revoked_key_is_refused_at_once_and_a_new_one_works(world: World) -> None:
    made = world.administrator.add_person("Leaves soon", "auditor")
    http = world.plain(made["key"])
    assert http.get("/v1/account").status_code == 200
    assert world.administrator.revoke_keys(made["id"]) == {"revoked": 1}
    problem(http.get("/v1/account"), 401, "key_revoked", "was revoked", "new one")
    assert world.plain(world.administrator.add_key(made["id"])["key"]).get("/v1/account").status_code == 200


def test_refused_keys_leave_no_transaction_open(world: World, service: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.plain("wrong").get("/v1/account").status_code, range(60)))
    assert set(answers) == {401}
    wait_for(lambda: open_transactions(service), lambda count: count == 0)


CUSTOMERS_ONLY: Requests = [
    ("POST", f"/v1/submissions/{SOME}/reply", {"message": "x"}),
    ("POST", f"/v1/submissions/{SOME}/withdraw", {}),
    ("POST", f"/v1/submissions/{SOME}/confirm", None),
    ("POST", f"/v1/submissions/{SOME}/still-happens", {"message": "x"}),
    ("POST", f"/v1/submissions/{SOME}/dispute", {"message": "x"}),
    ("PUT", "/v1/account/webhook", {"url": "https://example.org/"}),
    ("DELETE", "/v1/account/webhook", None),
    ("GET", "/v1/account/webhook/deliveries", None),
    ("POST", "/v1/account/webhook/ping", None),
    ("POST", "/v1/account/webhook/deliveries/x/again", None),
    ("GET", "/v1/account/keys", None),
    ("POST", "/v1/account/keys", {"title": "x"}),
    ("DELETE", "/v1/account/keys/x", None),
]
DECIDERS_ONLY: Requests = [
    ("POST", "/v1/queue/take", None),
    ("POST", "/v1/queue/decide", {"cases": [{"id": NOBODY, "revision": 1}], "answer": {"message": "x"}}),
    ("POST", f"/v1/submissions/{SOME}/claim", None),
    ("POST", f"/v1/submissions/{SOME}/give-back", {}),
    ("POST", f"/v1/submissions/{SOME}/ask", {"message": "x"}),
    ("POST", f"/v1/submissions/{SOME}/answer", {"message": "x"}),
    ("POST", f"/v1/submissions/{SOME}/severity", {"severity": 1}),
    ("GET", f"/v1/submissions/{SOME}/samples/{'0' * 64}?reason=x", None),
    ("POST", "/v1/changes", {"submission_ids": [SOME], "kind": "rule_add", "payload": {}}),
    ("PUT", "/v1/changes/CH-AAAA-BBBB-CCCC", {"payload": {}}),
    ("POST", "/v1/changes/CH-AAAA-BBBB-CCCC/test", None),
    ("POST", "/v1/changes/CH-AAAA-BBBB-CCCC/withdraw", {"reason": "x"}),
    ("POST", f"/v1/submissions/{SOME}/relief", {"reason": "x"}),
]
LEADS_ONLY: Requests = [
    ("POST", "/v1/changes/CH-AAAA-BBBB-CCCC/approve", None),
    ("POST", "/v1/changes/CH-AAAA-BBBB-CCCC/reject", {"reason": "x"}),
    ("POST", "/v1/extras/EX-AAAA-BBBB-CCCC/approve", None),
    ("POST", "/v1/canned-texts", {"title": "Kept by a lead", "body": "x"}),
    ("PUT", "/v1/canned-texts/CT-AAAA-BBBB-CCCC", {"title": "x", "body": "x"}),
    ("DELETE", "/v1/canned-texts/CT-AAAA-BBBB-CCCC", None),
]
STAFF_ONLY: Requests = [
    ("GET", "/v1/queue", None),
    ("GET", "/v1/queue/rules", None),
    ("GET", "/v1/canned-texts", None),
    ("GET", "/v1/changes", None),
    ("GET", "/v1/changes/CH-AAAA-BBBB-CCCC", None),
]
PUBLISHERS_ONLY: Requests = [
    ("PUT", "/v1/releases/some/1", {"ordinal": 1, "ruleset": {"rules": {}}}),
    ("POST", "/v1/changes/CH-AAAA-BBBB-CCCC/picked-up", None),
]
RELEASE_ONLY: Requests = [
    ("PUT", "/v1/changes/CH-AAAA-BBBB-CCCC/extra", {"base_version": "1"}),
    ("POST", "/v1/changes/CH-AAAA-BBBB-CCCC/extra/gate", None),
]
FEED_READERS_ONLY: Requests = [("GET", "/v1/feed?product=some", None), ("GET", "/v1/products/some/schedule", None)]
RULE_READERS_ONLY: Requests = [("GET", "/v1/releases/some", None), ("GET", "/v1/releases/some/1/ruleset", None)]
ADMINISTRATORS_ONLY: Requests = [
    ("POST", "/v1/admin/organisations", {"name": "x"}),
    ("GET", "/v1/admin/organisations", None),
    ("POST", "/v1/admin/people", {"name": "x", "role": "analyst"}),
    ("GET", "/v1/admin/people", None),
    ("POST", "/v1/admin/people/x/keys", None),
    ("DELETE", "/v1/admin/people/x/keys", None),
    ("POST", "/v1/admin/products", {"id": "xx", "title": "x", "scheme": "eset", "update_instructions": "x"}),
    ("GET", "/v1/admin/products", None),
    ("PUT", "/v1/admin/products/some/schedule", {"days": ["mon"], "times": ["06:00"], "time_zone": "UTC"}),
    ("DELETE", "/v1/admin/products/some/schedule", None),
    ("PUT", "/v1/admin/products/some/targets", {"targets": ["yara"]}),
    ("POST", "/v1/admin/releases/some/1/withdraw", None),
]
SUBMISSION_READERS_ONLY: Requests = [
    ("GET", "/v1/submissions", None),
    ("GET", f"/v1/submissions/{SOME}", None),
    ("GET", f"/v1/submissions/{SOME}/timeline", None),
    ("GET", f"/v1/submissions/{SOME}/relief", None),
    ("GET", "/v1/database-check?product=some&version=1", None),
]
GROUPS: dict[str, tuple[Requests, str, set[str]]] = {
    "customers": (CUSTOMERS_ONLY, "customer", {"analyst", "lead", "auditor", "release", "administrator"}),
    "deciders": (DECIDERS_ONLY, "analyst, lead", {"customer", "auditor", "release", "administrator"}),
    "leads": (LEADS_ONLY, "lead", {"customer", "analyst", "auditor", "release", "administrator"}),
    "staff": (STAFF_ONLY, "administrator, analyst, auditor, lead", {"customer", "release"}),
    "publishers": (PUBLISHERS_ONLY, "administrator, release", {"customer", "analyst", "lead", "auditor"}),
    "release": (RELEASE_ONLY, "release", {"customer", "analyst", "lead", "auditor", "administrator"}),
    "feed": (FEED_READERS_ONLY, "administrator, auditor, lead, release", {"customer", "analyst"}),
    "rules": (RULE_READERS_ONLY, "administrator, analyst, auditor, lead, release", {"customer"}),
    "administrators": (ADMINISTRATORS_ONLY, "administrator", {"customer", "analyst", "lead", "auditor", "release"}),
    "submissions": (SUBMISSION_READERS_ONLY, "administrator, analyst, auditor, customer, lead", {"release"}),
}


@pytest.fixture(scope="module")
def doors(world: World) -> dict[str, httpx2.Client]:
    """One of each role."""
    roles = ["analyst", "lead", "auditor", "release", "administrator"]
    customer = world.plain(world.key("customer", world.organisation()))
    return {"customer": customer, **{role: world.plain(world.key(role)) for role in roles}}


@pytest.mark.parametrize("group", GROUPS)
def test_every_address_is_closed_to_the_roles_it_is_not_for(doors: dict[str, httpx2.Client], group: str) -> None:
    requests, allowed, kept_out = GROUPS[group]
    for method, address, body in requests:
        for role in kept_out:
            answer = doors[role].request(method, address, json=body, headers=HELD)
            found = problem(answer, 403, "wrong_role", f"Your role, {role},", f"open to: {allowed}")
            assert (found["role"], found["allowed"]) == (role, allowed)
        for role in doors.keys() - kept_out:
            assert doors[role].request(method, address, json=body, headers=HELD).status_code != 403, (role, address)


def test_only_customers_may_submit(doors: dict[str, httpx2.Client], world: World) -> None:
    fields = world.fields(world.product())
    for role in doors.keys() - {"customer"}:
        problem(upload(doors[role], fields, ("a", MARKER)), 403, "wrong_role", "open to: customer")


def test_only_an_administrator_dates_a_release_back(doors: dict[str, httpx2.Client], world: World) -> None:
    body = {"ordinal": 9, "ruleset": {"rules": {}}, "published_at": "2026-01-01T00:00:00Z"}
    answer = doors["release"].put(f"/v1/releases/{world.product()}/20261122.9", json=body)
    problem(answer, 403, "wrong_role", "open to: administrator")


OF_A_SUBMISSION: Requests = [
    ("GET", "", None),
    ("GET", "/timeline", None),
    ("GET", "/relief", None),
    ("POST", "/reply", {"message": "x"}),
    ("POST", "/withdraw", {}),
    ("POST", "/confirm", None),
    ("POST", "/still-happens", {"message": "x"}),
    ("POST", "/dispute", {"message": "x"}),
]


def test_somebody_elses_submission_does_not_exist(world: World) -> None:
    case = world.queued(world.customer(), world.product())
    stranger = world.plain(world.key("customer", world.organisation()))
    for method, ending, body in OF_A_SUBMISSION:
        foreign, absent = (
            problem(stranger.request(method, f"/v1/submissions/{each}{ending}", json=body), 404, "not_found", each)
            for each in (case["id"], NOBODY)
        )
        masked = {name: str(value).replace(case["id"], NOBODY) for name, value in foreign.items()}
        assert masked == {name: str(value) for name, value in absent.items()}
    assert stranger.get("/v1/submissions").json()["items"] == []
    assert world.analyst.submission(case["id"])["revision"] == case["revision"]


def test_colleagues_see_each_others_submissions(world: World) -> None:
    organisation = world.organisation()
    first, second = (world.person("customer", organisation) for _ in range(2))
    accepted = world.submit(first, world.product())
    assert second.submission(accepted["id"])["id"] == accepted["id"]
