"""Following the feed: nothing is lost by cuts, refusals and crashes, whatever the server does."""

import asyncio
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from sigreq.cli.main import main
from sigreq_client import ApiError, ApiUnreachable, AsyncClient, Client, CursorUnusable, Follow
from sigreq_client.cursors import Cursor, CursorFile
from sigreq_client.following import FIRST_PAUSE, LONGEST_PAUSE, Following, Heard
from tests.client.server import Answer, Scripted

ONCE = Follow("av", is_once=True, attempts=2)
AT_ONCE = {"X-Poll-Interval": "0"}


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigreq_client.following.FIRST_PAUSE", 0.001)


def entry(number: int) -> dict[str, Any]:
    """One line of the feed."""
    change = {"id": f"C{number}", "rev": 1, "kind": "rule_add"}
    told = {"mark": f"m{number}", "action": "approved", "track": "standard", "at": "2026-11-28T12:00:00Z"}
    return {"number": number, **told, "change": change}


def body(*numbers: int, upto: int | None = None) -> bytes:
    """A whole body: these entries and the end."""
    end = numbers[-1] if upto is None else upto
    lines = [*map(entry, numbers), {"next_cursor": end, "next_mark": f"m{end}"}]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def page(*numbers: int, upto: int | None = None, etag: str = '"9-lines"') -> Answer:
    """The answer with that body."""
    return Answer(content=body(*numbers, upto=upto), headers={**AT_ONCE, "ETag": etag})


def refusal(status: int, code: str, **headers: str) -> Answer:
    """A problem document."""
    return Answer({"status": status, "code": code, "detail": "No."}, status, headers)


def numbers(events: list[Any]) -> list[int]:
    return [event["number"] for event in events]


def followed(server: Scripted, path: Path | None = None, what: Follow = ONCE) -> list[Any]:
    """All that comes until nothing is left."""
    with Client(server.url, "key") as client:
        return list(client.follow(what, path))


def asked(server: Scripted) -> list[tuple[str | None, str | None]]:
    """The cursors of the requests."""
    return [(each.query.get("after"), each.query.get("mark")) for each in server.seen if each.path == "/v1/feed"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cursor.json"


def test_entries_come_in_order_and_a_second_run_goes_on(server: Scripted, path: Path) -> None:
    server.on("GET /v1/feed", page(1, 3), page(4), page(upto=9))
    assert numbers(followed(server, path)) == [1, 3, 4]
    server.on("GET /v1/feed", page(10), page(upto=10))
    assert numbers(followed(server, path)) == [10]
    assert asked(server) == [("0", None), ("3", "m3"), ("4", "m4"), ("9", "m9"), ("10", "m10")]


def test_the_asynchronous_client_follows_in_the_same_way(server: Scripted, path: Path) -> None:
    async def all_events() -> list[Any]:
        async with AsyncClient(server.url, "key") as client:
            return [event async for event in client.follow(ONCE, path)]

    server.on("GET /v1/feed", page(1, 3), refusal(503, "service_unavailable"), page(upto=3))
    assert numbers(asyncio.run(all_events())) == [1, 3]
    assert CursorFile(path, "av", None).load() == Cursor(3, "m3")


def test_an_event_that_was_not_dealt_with_comes_again(server: Scripted, path: Path) -> None:
    server.on("GET /v1/feed", page(1, 2, 3))
    with Client(server.url, "key") as client:
        assert numbers(list(islice(client.follow(ONCE, path), 2))) == [1, 2]
    server.on("GET /v1/feed", page(2, 3), page(upto=3))
    assert numbers(followed(server, path)) == [2, 3]
    assert asked(server)[1] == ("1", "m1")


def test_entries_that_are_sent_twice_come_once(server: Scripted, path: Path) -> None:
    server.on("GET /v1/feed", page(1, 2), page(1, 2, 3), page(upto=3))
    assert numbers(followed(server, path)) == [1, 2, 3]


def test_a_body_that_ends_in_the_middle_of_a_line_is_read_to_the_line_before(server: Scripted, path: Path) -> None:
    whole = body(1, 2, 3)
    cut = Answer(content=whole[: whole.index(b"\n") + 30])
    server.on("GET /v1/feed", cut, page(2, 3), page(upto=3))
    assert numbers(followed(server, path)) == [1, 2, 3]
    assert asked(server)[1] == ("1", "m1")


@given(st.lists(st.integers(1, 50), unique=True).map(sorted), st.integers(0, 10_000))
def test_wherever_a_body_is_cut_what_was_heard_is_a_beginning_and_the_cursor_is_its_end(
    sent: list[int], cut: int
) -> None:
    whole = body(*sent, upto=max(sent, default=0) + 5)
    following = Following("http://here", Follow("av"), CursorFile(None, "av", None))
    heard = Heard(httpx2.Response(200), whole[:cut], httpx2.ReadError("cut"))
    events = following.take(heard)
    for event in events:
        following.dealt_with(event)
    following.page_ended()
    assert numbers(events) == sent[: len(events)]
    if cut < len(whole):
        assert following.cursor.after == (events[-1]["number"] if events else 0)
        assert following.pause > 0
    else:
        assert following.cursor.after == max(sent, default=0) + 5


@given(st.lists(st.integers(500, 504), min_size=1, max_size=40))
def test_a_pause_is_drawn_from_a_range_that_doubles_up_to_an_end(statuses: list[int]) -> None:
    following = Following("http://here", Follow("av"), CursorFile(None, "av", None))
    for count, status in enumerate(statuses, 1):
        assert following.take(Heard(httpx2.Response(status))) == []
        assert 0 <= following.pause <= min(LONGEST_PAUSE, FIRST_PAUSE * 2**count)
    following.take(Heard(httpx2.Response(200, headers={"X-Poll-Interval": "8"}), body(upto=3)))
    assert 4 <= following.pause <= 8


def test_an_unchanged_feed_is_asked_for_with_its_etag(server: Scripted) -> None:
    server.on("GET /v1/feed", page(upto=9), Answer(status=304, headers=AT_ONCE), page(10), page(upto=10))
    with Client(server.url, "key") as client:
        assert numbers(list(islice(client.follow(Follow("av", wait=7)), 1))) == [10]
    assert [each.headers.get("If-None-Match") for each in server.seen] == [None, '"9-lines"', '"9-lines"']
    assert {each.query["wait"] for each in server.seen} == {"7"}


def test_a_feed_that_is_another_one_is_read_from_its_beginning(server: Scripted, path: Path) -> None:
    CursorFile(path, "av", None).save(Cursor(7, "m7"))
    server.on("GET /v1/feed", refusal(409, "cursor_foreign"), page(1), page(upto=1))
    rewound, *rest = followed(server, path)
    assert (rewound["action"], rewound["code"]) == ("rewound", "cursor_foreign")
    assert numbers(rest) == [1]
    assert asked(server)[:2] == [("7", "m7"), ("0", None)]


def test_a_cursor_that_is_too_old_begins_with_the_snapshot(server: Scripted, path: Path) -> None:
    open_now = {"items": [{"change": {"id": "C5"}}], "next_cursor": 8, "next_mark": "m8"}
    server.on("GET /v1/feed", refusal(410, "cursor_too_old"), page(9), page(upto=9))
    server.on("GET /v1/feed/snapshot", refusal(503, "service_unavailable"), Answer(open_now))
    snapshot, *rest = followed(server, path)
    assert snapshot == {"action": "snapshot", **open_now}
    assert numbers(rest) == [9]
    assert asked(server)[1] == ("8", "m8")


def test_a_refusal_that_no_repetition_mends_ends_it(server: Scripted) -> None:
    server.on("GET /v1/feed", refusal(403, "wrong_role"))
    with pytest.raises(ApiError, match="wrong_role"):
        followed(server)
    assert len(server.seen) == 1


def test_what_is_no_feed_is_a_failure_and_no_entry(server: Scripted) -> None:
    server.on("GET /v1/feed", Answer(content=b"<html>\nPlease log in\n</html>\n"))
    with pytest.raises(ApiUnreachable):
        followed(server)


def test_so_many_failures_in_a_row_are_raised_and_a_success_begins_anew(server: Scripted) -> None:
    down = refusal(503, "service_unavailable")
    server.on("GET /v1/feed", down, page(1), down, down)
    with pytest.raises(ApiError, match="service_unavailable"):
        followed(server, what=replace(ONCE, attempts=2))
    assert len(server.seen) == 4


def test_a_server_that_is_not_there_is_tried_again(server: Scripted) -> None:
    with Client("http://127.0.0.1:9", "key") as client, pytest.raises(ApiUnreachable):
        list(client.follow(replace(ONCE, attempts=3)))
    assert server.seen == []


@pytest.mark.parametrize("content", ["", "[]", '{"after": "x", "mark": null}', '{"after": 3}'])
def test_a_file_that_holds_no_cursor_is_left_as_it_is(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(CursorUnusable, match="does not hold a cursor"):
        CursorFile(path, "av", None).load()
    assert path.read_text() == content


def test_the_cursor_of_another_product_or_track_is_not_used(path: Path) -> None:
    CursorFile(path, "av", None).save(Cursor(7, "m7"))
    assert CursorFile(path, "av", None).load() == Cursor(7, "m7")
    with pytest.raises(CursorUnusable, match=r"a cursor of av \(both tracks\), not of av \(expedited\)"):
        CursorFile(path, "av", "expedited").load()
    with pytest.raises(CursorUnusable, match="not of other"):
        CursorFile(path, "other", None).load()


def test_saving_leaves_nothing_beside_the_file(path: Path) -> None:
    for number in range(5):
        CursorFile(path, "av", None).save(Cursor(number))
    assert list(path.parent.iterdir()) == [path]


def run(server: Scripted, *more: str) -> Result:
    """The command, until nothing is left."""
    command = ["feed", "follow", "--product", "av", "--once", "--url", server.url, "--key", "sgrq_live_test", *more]
    return CliRunner().invoke(main, command)


@pytest.fixture
def eventful(server: Scripted) -> Scripted:
    """A feed that was restored, whose beginning is gone."""
    items = [{"track": "standard", "change": {"id": "C5", "rev": 2, "kind": "rule_add"}}]
    server.on("GET /v1/feed", refusal(409, "cursor_ahead"), refusal(410, "cursor_too_old"), page(9), page(upto=9))
    server.on("GET /v1/feed/snapshot", Answer({"items": items, "next_cursor": 8, "next_mark": "m8"}))
    return server


def test_the_command_prints_each_event_as_a_line_for_programs(eventful: Scripted) -> None:
    told = [json.loads(line) for line in run(eventful, "--json").stdout.splitlines()]
    assert [event["action"] for event in told] == ["rewound", "snapshot", "approved"]
    assert told[2] == entry(9)


def test_the_command_tells_people_what_happened(eventful: Scripted) -> None:
    lines = run(eventful).stdout.splitlines()
    assert lines[0] == "-  rewound: No."
    assert lines[1:3] == ["-  snapshot: 1 open; reading on behind 8", "   open  C5  rev 2  rule_add  (standard)"]
    assert lines[3].startswith("9  2026-11-28 ")
    assert lines[3].endswith("  approved  C9  rev 1  rule_add  (standard)")


def test_the_command_refuses_a_file_that_is_no_cursor(server: Scripted, path: Path) -> None:
    path.write_text("{}")
    result = run(server, "--cursor", str(path), "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "cursor_unusable")
