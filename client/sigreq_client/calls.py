"""One HTTP exchange, apart from how it is carried out: what to send, when to repeat, what the answer means."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import httpx2

from sigreq_client.certificates import trusted_at
from sigreq_client.errors import ApiError, ApiUnreachable
from sigreq_client.upload import Upload, Watched

Json = Any
"""What the server's JSON became; None where it answered without a body."""

REPEATS = 2
LONGEST_PAUSE = 10.0
"""Seconds. A server that asks for more is down for longer than a caller should be kept waiting."""

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
_STANDARD_MEMBERS = {"type", "title", "status", "detail", "code", "instance"}


@dataclass(frozen=True)
class Call:
    """A request. Members of `query` that are None are not sent; `into` receives the answer's bytes."""

    method: str
    path: str
    query: Mapping[str, str | int | None] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    into: IO[bytes] | None = None

    @contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """What to build the request from; its files are open inside the block."""
        query = {name: value for name, value in self.query.items() if value is not None}
        arguments = {"method": self.method, "url": self.path, "params": query, "headers": self.headers}
        if self.upload is not None:
            with self.upload.parts() as parts:
                yield arguments | {"files": parts}
        elif self.body is not None:
            yield arguments | {"json": self.body}
        else:
            yield arguments

    def prepared(self, request: httpx2.Request) -> httpx2.Request:
        """The request, with its body watched where somebody wants to know how far it is."""
        on_progress = self.upload and self.upload.on_progress
        if on_progress and isinstance(request.stream, httpx2.SyncByteStream):
            request.stream = Watched(request.stream, int(request.headers["Content-Length"]), on_progress)
        return request

    def pause_before_repeat(self, response: httpx2.Response) -> float | None:
        """Seconds to wait before asking again; None when this answer stands.

        Repeated is only what the server asked to have repeated soon, and what cannot happen twice by it.
        """
        is_repeatable = self.method == "GET" or "Idempotency-Key" in self.headers
        if response.status_code != httpx2.codes.SERVICE_UNAVAILABLE or not is_repeatable:
            return None
        wish = response.headers.get("Retry-After", "")
        return float(wish) if wish.isascii() and wish.isdigit() and float(wish) <= LONGEST_PAUSE else None


def read_answer(response: httpx2.Response, into: IO[bytes] | None) -> Json:
    """Take the JSON out of an answer whose body is read. Raises ApiError for all but success."""
    if response.is_success:
        return response.json() if into is None and response.content else None
    document = _problem_of(response)
    raise ApiError(
        response.status_code,
        str(document.get("code", f"http_{response.status_code}")),
        str(document.get("detail", f"The server answered {response.status_code} {response.reason_phrase}.")),
        {name: value for name, value in document.items() if name not in _STANDARD_MEMBERS},
    )


def _problem_of(response: httpx2.Response) -> dict[str, Any]:
    """The problem document; empty where something else answered, such as a proxy."""
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@contextmanager
def as_unreachable(url: str) -> Iterator[None]:
    """Turn a failed transport into ApiUnreachable."""
    try:
        yield
    except httpx2.TransportError as error:
        reason = str(error) or type(error).__name__
        raise ApiUnreachable(url, reason, is_undecided=not isinstance(error, _NOT_SENT)) from error


def http_options(url: str, key: str | None, timeout: float) -> dict[str, Any]:
    """What both kinds of connection are made with."""
    return {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        "verify": trusted_at(url),
    }
