"""The API for asyncio."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Self

import httpx2

from sigreq_client.calls import REPEATS, Call, Json, as_unreachable, http_options, read_answer
from sigreq_client.cursors import CursorKeeper, keeper_of
from sigreq_client.following import Follow, Following, Heard, longer
from sigreq_client.operations import Operations
from sigreq_client.watching import Watching, is_last, of_queue, of_submission, without_time


class AsyncClient(Operations[Awaitable[Json]]):
    """What `Client` does, to be awaited. Close it with `aclose`, or use it in an `async with` statement.

    Files are read in pieces of 64 KiB on the event loop: fine for a local disk, not for a slow network share.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 60.0) -> None:
        self._url = url
        self._http = httpx2.AsyncClient(**http_options(url, key, timeout))

    async def _call(self, call: Call) -> Json:
        with call.arguments() as arguments, as_unreachable(self._url):
            response = await self._exchange(call, arguments)
            for _ in range(REPEATS):
                pause = call.pause_before_repeat(response)
                if pause is None:
                    break
                await asyncio.sleep(pause)
                response = await self._exchange(call, arguments)
        return read_answer(response, call.into)

    async def _exchange(self, call: Call, arguments: dict[str, Any]) -> httpx2.Response:
        response = await self._http.send(call.prepared(self._http.build_request(**arguments)), stream=True)
        try:
            if call.into is None or not response.is_success:
                await response.aread()
            else:
                async for piece in response.aiter_bytes():
                    call.into.write(piece)
        finally:
            await response.aclose()
        return response

    async def follow(self, what: Follow, cursor: Path | CursorKeeper | None = None) -> AsyncIterator[Json]:
        """What happens in the feed, for ever, as `Client.follow` tells it. The file is written in a thread."""
        following = Following(self._url, what, keeper_of(cursor, what.product, what.track))
        while not following.is_over:
            for event in following.take(await self._hear(following)):
                yield event
                await asyncio.to_thread(following.dealt_with, event)
            await asyncio.to_thread(following.page_ended)
            await asyncio.sleep(following.pause)

    async def _hear(self, following: Following) -> Heard:
        response, body = None, b""
        try:
            timeout = longer(self._http.timeout, following.what.wait)
            request = self._http.build_request(**following.request(), timeout=timeout)
            response = await self._http.send(request, stream=True)
            if not response.is_success:
                await response.aread()
            else:
                async for piece in response.aiter_bytes():
                    body += piece
        except httpx2.TransportError as error:
            return Heard(response if body else None, body, error)
        finally:
            if response is not None:
                await response.aclose()
        return Heard(response, body)

    async def watch(self, submission_id: str) -> AsyncGenerator[Json, None]:
        """What happens to a submission, as `Client.watch` tells it.

        Who stops before its end closes it (`contextlib.aclosing`): until then its stream is one of those that a person
        may have open.
        """
        case = of_submission(submission_id)
        async with aclosing(self._stream(case)) as stream:
            async for name, told in stream:
                event = case.told(name, told)
                if event is not None:
                    yield event
                    if event.get("state") == "closed" and is_last(event, await self.timeline(submission_id)):
                        return

    async def watch_queue(self, limit: int | None = None) -> AsyncGenerator[Json, None]:
        """The queue as it stands, and again whenever it has changed, for ever; to be closed as `watch` is."""
        shown = None
        async with aclosing(self._stream(of_queue())) as stream:
            async for _ in stream:
                document = await self.queue(limit)
                if shown != without_time(document):
                    shown = without_time(document)
                    yield document

    async def _stream(self, watching: Watching) -> AsyncGenerator[tuple[str, Json], None]:
        while True:
            with suppress(httpx2.TransportError):
                request = self._http.build_request(**watching.request())
                answer = await self._http.send(request, stream=True)
                async with aclosing(answer):
                    if not answer.is_success:
                        await answer.aread()
                        watching.refused(answer)
                    else:
                        async for piece in answer.aiter_bytes():
                            for event in watching.read(piece):
                                yield event
            watching.ended()
            await asyncio.sleep(watching.pause)

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
