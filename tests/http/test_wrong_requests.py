"""Addresses, methods and bodies that nothing can be made of: always a problem document, never a crash."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.plain import problem
from tests.world import World

NOT_JSON = [b"{", b"message=hello", b"\xff", b'{"message": "\\ud800"}', b"[" * 100_000]


@pytest.fixture(scope="module")
def analyst(world: World) -> httpx2.Client:
    return world.plain(world.keys["analyst"])


@pytest.fixture(scope="module")
def customer(world: World) -> httpx2.Client:
    return world.plain(world.key("customer", world.organisation()))


@pytest.mark.parametrize("address", ["/v1", "/v1/submission", "/v1/submissions/SR-1/nothing", "/v2/account"])
def test_an_unknown_address_is_a_problem_document(customer: httpx2.Client, address: str) -> None:
    problem(customer.get(address), 404, "address_unknown", "nothing at this address", "/schema")


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [("DELETE", "/v1/account", "GET"), ("PUT", "/v1/submissions", "POST"), ("GET", "/v1/queue/take", "POST")],
)
def test_a_wrong_method_is_told_the_right_ones(
    customer: httpx2.Client, method: str, address: str, allowed: str
) -> None:
    answer = customer.request(method, address)
    problem(answer, 405, "method_not_allowed", method, allowed)
    assert allowed in answer.headers["allow"]


def test_a_body_that_is_too_large_is_told_the_limit(analyst: httpx2.Client) -> None:
    large = b'{"submission_ids": ["' + b"x" * 1024**2 + b'"]}'
    problem(analyst.post("/v1/changes", content=large), 413, "request_too_large", "1048576 bytes")
    problem(analyst.post("/v1/changes", content=_pieces(large)), 413, "request_too_large", "1048576 bytes")


def _pieces(content: bytes) -> Iterator[bytes]:
    """Sent without its length."""
    yield from (content[start : start + 65_536] for start in range(0, len(content), 65_536))


@pytest.mark.parametrize("sent", NOT_JSON)
def test_a_body_that_is_not_json_is_malformed(customer: httpx2.Client, sent: bytes) -> None:
    answer = customer.post("/v1/submissions/SR-1/reply", content=sent, headers={"Content-Type": "application/json"})
    problem(answer, 400, "request_malformed", "JSON")


@pytest.mark.parametrize("sent", [b"", b"[]", b"null", b'"text"'])
def test_a_body_that_is_no_object_is_refused(customer: httpx2.Client, sent: bytes) -> None:
    answer = customer.post("/v1/submissions/SR-1/reply", content=sent, headers={"Content-Type": "application/json"})
    assert problem(answer, 422, "field_invalid")["problems"]


def test_every_wrong_field_of_a_body_is_named(analyst: httpx2.Client) -> None:
    body = {"submission_ids": [], "kind": "rule_delete", "payload": {"sha256": "x", "rul": 1}, "urgent": True}
    found = problem(analyst.post("/v1/changes", json=body), 422, "field_invalid", "rule_add")
    named = {each["field"] for each in found["problems"]}
    assert named == {"submission_ids", "kind", "payload.sha256", "payload.rul", "urgent"}


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=many", "limit"), ("state=open", "state"), ("limit=1.5", "limit")],
)
def test_a_wrong_query_is_refused_by_the_name_that_was_sent(customer: httpx2.Client, query: str, field: str) -> None:
    found = problem(customer.get(f"/v1/submissions?{query}"), 422, "field_invalid", field)
    assert [each["field"] for each in found["problems"]] == [field]


def test_a_missing_query_is_refused_by_its_name(customer: httpx2.Client) -> None:
    problem(customer.get("/v1/database-check?product=x"), 422, "field_invalid", "version")


def _cursor(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["x", "\u00e9", _cursor("tomorrow|SR-1"), _cursor("2026-01-01T00:00:00|SR-1"), _cursor("0001-01-01T00:00+14:00|a")],
)
def test_a_made_up_cursor_is_refused(customer: httpx2.Client, cursor: str) -> None:
    answer = customer.get("/v1/submissions", params={"cursor": cursor})
    problem(answer, 422, "cursor_invalid", "not a cursor of this list", "next_cursor")


@pytest.mark.parametrize("after", [-1, -(10**30)])
def test_a_cursor_of_the_feed_before_its_start_is_refused(world: World, after: int) -> None:
    answer = world.plain(world.keys["release"]).get("/v1/feed", params={"product": "x", "after": after})
    problem(answer, 422, "cursor_invalid", str(after))


def test_a_cursor_of_the_feed_beyond_its_end_is_refused(world: World) -> None:
    answer = world.plain(world.keys["release"]).get("/v1/feed", params={"product": "x", "after": 10**30})
    problem(answer, 409, "cursor_ahead", "start again from 0")


NUL = "%00"
WITH_NUL: list[tuple[str, str, Any]] = [
    ("GET", f"/v1/database-check?product={NUL}&version=1", None),
    ("GET", f"/v1/feed?product={NUL}", None),
    ("GET", f"/v1/releases/{NUL}", None),
    ("GET", f"/v1/releases/{NUL}/{NUL}/ruleset", None),
    ("GET", f"/v1/submissions?cursor={_cursor('2026-01-01T00:00:00Z|' + chr(0))}", None),
    ("POST", f"/v1/admin/people/{NUL}/keys", None),
    ("POST", "/v1/admin/people", {"name": "\0", "role": "analyst"}),
    ("POST", "/v1/admin/organisations", {"name": "a\0"}),
]


@pytest.mark.parametrize(("method", "address", "body"), WITH_NUL)
def test_a_nul_character_anywhere_is_malformed(world: World, method: str, address: str, body: Any) -> None:
    answer = world.plain(world.keys["administrator"]).request(method, address, json=body)
    problem(answer, 400, "request_malformed", "NUL")


@pytest.mark.parametrize("identifier", ["%00", "SR-", "x" * 5000, "%F0%9F%90%9B", "CH-AAAA-BBBB-CCCC"])
def test_what_cannot_be_an_identifier_is_not_found(customer: httpx2.Client, identifier: str) -> None:
    problem(customer.get(f"/v1/submissions/{identifier}"), 404, "not_found", "There is no submission")
