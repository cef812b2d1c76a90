"""Both clients stay with a stream of events over whatever ends it."""

import asyncio
import json
from contextlib import aclosing
from itertools import islice
from typing import Any

import pytest

from sigreq_client import ApiError, AsyncClient, Client
from tests.client.server import Answer, Scripted
from tests.client.test_client import BOTH, BUSY

EVENTS, TIMELINE = "GET /v1/submissions/SR-1/events", "GET /v1/submissions/SR-1/timeline"
QUEUE_EVENTS, QUEUE = "GET /v1/queue/events", "GET /v1/queue"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigreq_client.watching.FIRST_PAUSE", 0.001)


def event(number: int, state: str = "queued") -> dict[str, Any]:
    return {"sequence": number, "name": "commented", "state": state}


def stream(*events: dict[str, Any], cut: int = 0) -> Answer:
    """What a server says until its connection ends, without the last so many bytes."""
    told = [f"id: {each['sequence']}\nevent: {each['name']}\ndata: {json.dumps(each)}\n\n" for each in events]
    content = "".join([": still here\n\n", *told]).encode()
    return Answer(content=content[: len(content) - cut])


def watched(url: str, *, is_async: bool) -> list[Any]:
    """All that comes until the case is closed."""
    if not is_async:
        with Client(url) as client:
            return list(client.watch("SR-1"))

    async def run() -> list[Any]:
        async with AsyncClient(url) as client:
            return [each async for each in client.watch("SR-1")]

    return asyncio.run(run())


@BOTH
def test_an_event_that_was_cut_comes_again_whole_and_no_other_does(server: Scripted, *, is_async: bool) -> None:
    after = stream(event(2), event(3), event(4, "closed"))
    server.on(EVENTS, stream(event(1), event(2), event(3), cut=9), BUSY, after)
    server.on(TIMELINE, Answer({"items": [event(3), event(4, "closed")]}))
    assert watched(server.url, is_async=is_async) == [event(1), event(2), event(3), event(4, "closed")]
    assert [each.headers.get("Last-Event-ID") for each in server.seen[:3]] == [None, "2", "2"]


@BOTH
def test_a_case_that_was_opened_again_is_watched_on_and_a_refusal_ends_it(server: Scripted, *, is_async: bool) -> None:
    refusal = Answer({"status": 401, "code": "key_revoked", "detail": "No."}, 401)
    server.on(EVENTS, stream(event(1, "closed"), event(2)), refusal)
    server.on(TIMELINE, Answer({"items": [event(1, "closed"), event(2)]}))
    with pytest.raises(ApiError) as refused:
        watched(server.url, is_async=is_async)
    assert (refused.value.code, server.asked) == ("key_revoked", [EVENTS, TIMELINE, EVENTS])


@BOTH
def test_the_queue_is_told_when_something_has_changed_in_it(server: Scripted, *, is_async: bool) -> None:
    first, second = ({"items": [{"id": each, "seconds_left": 5}]} for each in ("SR-1", "SR-2"))
    later = {"items": [{"id": "SR-1", "seconds_left": 4}]}
    server.on(QUEUE_EVENTS, stream(event(1), event(2), event(3)))
    server.on(QUEUE, *map(Answer, (first, later, second)))

    async def run() -> list[Any]:
        found: list[Any] = []
        async with AsyncClient(server.url) as client, aclosing(client.watch_queue()) as queue:
            async for document in queue:
                found.append(document)
                if len(found) > 1:
                    break
        return found

    if is_async:
        told = asyncio.run(run())
    else:
        with Client(server.url) as client:
            told = list(islice(client.watch_queue(), 2))
    assert told == [first, second]
