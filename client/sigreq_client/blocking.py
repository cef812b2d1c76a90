"""The API for blocking code."""

import time
from typing import Any, Self

import httpx2

from sigreq_client.calls import REPEATS, Call, Json, as_unreachable, http_options, read_answer
from sigreq_client.operations import Operations


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

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
