"""The API for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, Self

import httpx2

from sigreq_client.calls import REPEATS, Call, Json, as_unreachable, http_options, read_answer
from sigreq_client.cursors import CursorKeeper, keeper_of
from sigreq_client.following import Follow, Following, Heard, longer
from sigreq_client.operations import Operations


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

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
