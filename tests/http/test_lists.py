"""Long lists are read page by page, and nothing is read twice or missed."""

from base64 import urlsafe_b64encode

import pytest

from sigreq_client import Client
from tests.flows import refused
from tests.world import World


def _pages(customer: Client, limit: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page = customer.submissions(cursor=cursor, limit=limit)
        pages.append([item["id"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


def test_pages_of_three_show_ten_submissions_newest_first(world: World) -> None:
    customer, product = world.customer(), world.product()
    ids = [world.submit(customer, product)["id"] for _ in range(10)]
    pages = _pages(customer, 3)
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert [each for page in pages for each in page] == ids[::-1]


def test_a_page_that_ends_with_the_list_has_no_next(world: World) -> None:
    customer, product = world.customer(), world.product()
    assert customer.submissions(limit=3) == {"items": [], "next_cursor": None}
    for _ in range(3):
        world.submit(customer, product)
    assert [len(page) for page in _pages(customer, 3)] == [3]


def test_what_arrives_while_one_reads_neither_repeats_nor_hides_anything(world: World) -> None:
    customer, product = world.customer(), world.product()
    ids = [world.submit(customer, product)["id"] for _ in range(10)]
    seen: list[str] = []
    cursor = None
    while True:
        page = customer.submissions(cursor=cursor, limit=3)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        world.submit(customer, product)
    assert seen == ids[::-1]


def test_a_list_can_be_of_one_state(world: World) -> None:
    customer, product = world.customer(), world.product()
    ids = [world.queued(customer, product)["id"] for _ in range(3)]
    customer.withdraw(ids[1])
    assert [item["id"] for item in customer.submissions(state="closed")["items"]] == [ids[1]]
    assert [item["id"] for item in customer.submissions(state="queued")["items"]] == [ids[2], ids[0]]


def test_a_customer_lists_only_their_own(world: World) -> None:
    product, customer, other = world.product(), world.customer(), world.customer()
    mine, theirs = world.submit(customer, product)["id"], world.submit(other, product)["id"]
    assert [item["id"] for item in customer.submissions()["items"]] == [mine]
    assert [item["id"] for item in other.submissions()["items"]] == [theirs]
    assert {mine, theirs} <= {item["id"] for item in world.analyst.submissions(limit=200)["items"]}


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "%%%",
        "ÄÖÜ",
        "2026-11-22",
        urlsafe_b64encode(b"2026-11-22T10:00:00|SR-0000-0000-0000").decode(),
        urlsafe_b64encode(b"yesterday|SR-0000-0000-0000").decode(),
        urlsafe_b64encode(b"0001-01-01T00:00:00+23:59|SR-0000-0000-0000").decode(),
        urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    customer = world.customer()
    with refused(422, "cursor_invalid"):
        customer.submissions(cursor=cursor)


def test_a_feed_cursor_that_no_feed_could_have_is_refused(world: World) -> None:
    product = world.product()
    for after in (-1, -(10**30)):
        with refused(422, "cursor_invalid"):
            world.release.feed(product, after=after)
