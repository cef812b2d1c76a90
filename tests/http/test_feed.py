"""The feed as release tooling reads it: two forms, ETags, cursors that hold and cursors that do not."""

import json
from typing import Any

import httpx2
import pytest

from sigreq.domain.submission import Track
from sigreq.embedded.service import Service
from tests.feed import Stream, new_stream, say
from tests.flows import approved, published, refused, release_of
from tests.plain import problem
from tests.world import World

LINES = {"Accept": "application/x-ndjson"}


@pytest.fixture
def stream(service: Service) -> Stream:
    return new_stream(service.env["SIGREQ_DATABASE__URL"])


@pytest.fixture
def reader(world: World) -> httpx2.Client:
    return world.plain(world.keys["release"])


def read(reader: httpx2.Client, stream: Stream, headers: dict[str, str] | None = None, **query: Any) -> httpx2.Response:
    """One request, whatever it answers."""
    return reader.get("/v1/feed", params={"product": stream.product, **query}, headers=headers)


def test_json_lines_tell_the_same_and_end_with_the_next_cursor(
    service: Service, reader: httpx2.Client, stream: Stream
) -> None:
    say(service.env["SIGREQ_DATABASE__URL"], stream, "a", "b\u2028c")
    answer, whole = read(reader, stream, LINES), read(reader, stream).json()
    assert answer.headers["content-type"] == "application/x-ndjson"
    *entries, end = [json.loads(line) for line in answer.content.removesuffix(b"\n").split(b"\n")]
    assert entries == whole["items"]
    assert [entry["change"]["name"] for entry in entries] == ["a", "b\u2028c"]
    assert end == {"next_cursor": whole["next_cursor"], "next_mark": whole["next_mark"]}


def test_an_unchanged_feed_answers_304_for_each_form(service: Service, reader: httpx2.Client, stream: Stream) -> None:
    url = service.env["SIGREQ_DATABASE__URL"]
    say(url, stream, "a")
    tags = {
        form: read(reader, stream, {"Accept": form}).headers["etag"] for form in ("application/json", *LINES.values())
    }
    assert len(set(tags.values())) == 2
    for form, tag in tags.items():
        same = read(reader, stream, {"Accept": form, "If-None-Match": tag})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert same.headers["x-poll-interval"] == "15"
    crossed = read(reader, stream, {**LINES, "If-None-Match": tags["application/json"]})
    assert crossed.status_code == 200
    say(url, stream, "b")
    changed = read(reader, stream, {"If-None-Match": tags["application/json"]})
    assert [entry["change"]["name"] for entry in changed.json()["items"]] == ["a", "b"]


def test_a_key_that_may_not_read_the_feed_gets_no_304(world: World, reader: httpx2.Client, stream: Stream) -> None:
    tag = read(reader, stream).headers["etag"]
    foreign = world.plain(world.key("customer", world.organisation()))
    assert read(foreign, stream, {"If-None-Match": tag}).status_code == 403


def test_the_cursor_of_a_quiet_product_goes_on_with_the_others(
    service: Service, reader: httpx2.Client, stream: Stream
) -> None:
    url = service.env["SIGREQ_DATABASE__URL"]
    say(url, stream, "a")
    say(url, new_stream(url), "of another product")
    page = read(reader, stream).json()
    assert page["next_cursor"] == page["items"][0]["number"] + 1
    say(url, stream, "b")
    rest = read(reader, stream, after=page["next_cursor"], mark=page["next_mark"]).json()
    assert [entry["change"]["name"] for entry in rest["items"]] == ["b"]


def test_a_cursor_with_the_mark_of_another_feed_is_refused(
    service: Service, reader: httpx2.Client, stream: Stream
) -> None:
    say(service.env["SIGREQ_DATABASE__URL"], stream, "a", "b")
    page = read(reader, stream, limit=1).json()
    after = {"after": page["next_cursor"]}
    assert len(read(reader, stream, **after, mark=page["next_mark"]).json()["items"]) == 1
    problem(read(reader, stream, **after, mark="1234"), 409, "cursor_foreign", "start again from 0")


def test_an_answer_says_when_to_ask_again(service: Service, reader: httpx2.Client, stream: Stream) -> None:
    assert read(reader, stream).headers["x-poll-interval"] == "15"
    assert read(reader, stream, wait=0.1).headers["x-poll-interval"] == "0"
    say(service.env["SIGREQ_DATABASE__URL"], stream, "a")
    assert read(reader, stream).headers["x-poll-interval"] == "0"


def test_a_reader_who_waits_for_one_track_is_not_given_the_other(
    service: Service, reader: httpx2.Client, stream: Stream
) -> None:
    url = service.env["SIGREQ_DATABASE__URL"]
    say(url, stream, "slow")
    say(url, stream, "fast", track=Track.EXPEDITED)
    page = read(reader, stream, track="expedited", wait=1).json()
    assert [entry["change"]["name"] for entry in page["items"]] == ["fast"]
    quiet = read(reader, stream, track="expedited", wait=0.2, after=page["next_cursor"]).json()
    assert (quiet["items"], quiet["next_cursor"]) == ([], page["next_cursor"])


def test_nobody_can_wait_for_less_than_no_time(reader: httpx2.Client, stream: Stream) -> None:
    told = problem(read(reader, stream, wait=-1), 422, "field_invalid")
    assert [each["field"] for each in told["problems"]] == ["wait"]


def test_the_snapshot_holds_what_is_open_and_where_to_read_on(world: World) -> None:
    product, customer = world.product(), world.customer()
    changes = [approved(world, world.determined(world.analyst, customer, product)) for _ in range(3)]
    world.analyst.withdraw_change(changes[1]["id"], changes[1]["revision"], "Not this one.")
    world.release.picked_up(changes[2]["id"])
    found = world.release.feed_snapshot(product)
    told = [(item["change"]["id"], item["state"]) for item in found["items"]]
    assert told == [(changes[0]["id"], "approved"), (changes[2]["id"], "picked_up")]
    entries = world.release.feed(product)
    assert found["items"][0]["change"] == entries["items"][0]["change"]
    assert (found["next_cursor"], found["next_mark"]) == (entries["next_cursor"], entries["next_mark"])
    published(world, product, "20261122.2", release_of(2, {"Marker": changes[0]["payload"]["source"]}, changes[:1]))
    assert [item["change"]["id"] for item in world.release.feed_snapshot(product)["items"]] == [changes[2]["id"]]
    assert world.release.feed_snapshot(product, "expedited")["items"] == []
    with refused(404, "not_found"):
        world.release.feed_snapshot("no-such-product")
