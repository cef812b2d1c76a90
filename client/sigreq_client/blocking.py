"""The API for blocking code."""

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import httpx2

from sigreq_client.calls import REPEATS, Call, Json, as_unreachable, http_options, read_answer
from sigreq_client.cursors import CursorKeeper, keeper_of
from sigreq_client.following import Follow, Following, Heard, longer
from sigreq_client.operations import Operations
from sigreq_client.watching import Watching, is_last, of_queue, of_submission, without_time


class Client(Operations[Json]):
    """Every operation of the API; each returns the answer's JSON.

    They raise ApiError when the server refuses and ApiUnreachable when no answer comes. `timeout` is in seconds and
    bounds each wait for the network, not a whole upload. Close it, or use it in a `with` statement.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 60.0) -> None:
        self._url = url
        self._http = httpx2.Client(**http_options(url, key, timeout))

    def _call(self, call: Call) -> Json:
        with call.arguments() as arguments, as_unreachable(self._url):
            response = self._exchange(call, arguments)
            for _ in range(REPEATS):
                pause = call.pause_before_repeat(response)
                if pause is None:
                    break
                time.sleep(pause)
                response = self._exchange(call, arguments)
        return read_answer(response, call.into)

    def _exchange(self, call: Call, arguments: dict[str, Any]) -> httpx2.Response:
        response = self._http.send(call.prepared(self._http.build_request(**arguments)), stream=True)
        try:
            if call.into is None or not response.is_success:
                response.read()
            else:
                for piece in response.iter_bytes():
                    call.into.write(piece)
        finally:
            response.close()
        return response

    def follow(self, what: Follow, cursor: Path | CursorKeeper | None = None) -> Iterator[Json]:
        """What happens in the feed, for ever: entry by entry, over lost connections and restarts of the server.

        `cursor` is the file, or a keeper of yours, that remembers how far that is; without one it begins anew with each
        call. Asking for the next event says that the one before was dealt with, so deal with it first: after a crash it
        comes again.

        Beside the feed's entries there are two events: `rewound`, when the server's feed is another one (restored from
        a backup) and is read from its beginning, and `snapshot`, when it no longer holds what was not read: its `items`
        are all that is open now. Raises CursorUnusable, ApiError, and ApiUnreachable if `what` limits the attempts.
        """
        following = Following(self._url, what, keeper_of(cursor, what.product, what.track))
        while not following.is_over:
            for event in following.take(self._hear(following)):
                yield event
                following.dealt_with(event)
            following.page_ended()
            time.sleep(following.pause)

    def _hear(self, following: Following) -> Heard:
        response, body = None, b""
        try:
            timeout = longer(self._http.timeout, following.what.wait)
            response = self._http.send(self._http.build_request(**following.request(), timeout=timeout), stream=True)
            if not response.is_success:
                response.read()
            else:
                for piece in response.iter_bytes():
                    body += piece
        except httpx2.TransportError as error:
            return Heard(response if body else None, body, error)
        finally:
            if response is not None:
                response.close()
        return Heard(response, body)

    def watch(self, submission_id: str) -> Iterator[Json]:
        """What happens to a submission: its timeline from the beginning, and then each event as it comes, once.

        Lost connections and restarts of the server are waited for. It ends when the submission is closed. A `reset`
        (an event with nothing but this `name`) says that the server was restored from a backup and tells all anew.
        Raises ApiError where asking again cannot help, such as for a revoked key.
        """
        case = of_submission(submission_id)
        for name, told in self._stream(case):
            event = case.told(name, told)
            if event is not None:
                yield event
                if event.get("state") == "closed" and is_last(event, self.timeline(submission_id)):
                    return

    def watch_queue(self, limit: int | None = None) -> Iterator[Json]:
        """The queue as it stands, and again whenever it has changed, for ever; lost connections are waited for."""
        shown = None
        for _ in self._stream(of_queue()):
            document = self.queue(limit)
            if shown != without_time(document):
                shown = without_time(document)
                yield document

    def _stream(self, watching: Watching) -> Iterator[tuple[str, Json]]:
        while True:
            with suppress(httpx2.TransportError):
                request = self._http.build_request(**watching.request())
                with closing(self._http.send(request, stream=True)) as answer:
                    if not answer.is_success:
                        answer.read()
                        watching.refused(answer)
                    else:
                        for piece in answer.iter_bytes():
                            yield from watching.read(piece)
            watching.ended()
            time.sleep(watching.pause)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
