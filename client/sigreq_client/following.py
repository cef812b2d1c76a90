"""Following the feed, apart from how requests are carried out: what to ask, what an answer means, how long to pause."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from sigreq_client.calls import Json, read_answer
from sigreq_client.cursors import Cursor, CursorKeeper
from sigreq_client.errors import ApiError, ApiUnreachable

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
_ANOTHER_FEED = {"cursor_ahead", "cursor_foreign"}
_TOO_OLD = "cursor_too_old"
_LINES = "application/x-ndjson"


@dataclass(frozen=True)
class Follow:
    """What to follow, and how.

    `wait` is how many seconds the server may wait for an entry, 0 to poll. `is_once` ends where nothing is left to
    read. `attempts` is how many requests in a row may fail before the last failure is raised; None for any number.
    """

    product: str
    track: str | None = None
    wait: int = 50
    limit: int | None = None
    is_once: bool = False
    attempts: int | None = None


@dataclass(frozen=True)
class Heard:
    """What came of a request: its answer as far as it came, and what broke it off, if anything did."""

    response: httpx2.Response | None
    body: bytes = b""
    broken: httpx2.TransportError | None = None


@dataclass
class Following:
    """One reader of the feed. Call `request`, `take`, then `dealt_with` for each event, `page_ended`, and pause.

    The cursor is saved after an event was dealt with, never before: after a crash that event comes again. Entries at or
    before the cursor are dropped, so within one run none comes twice, unless the server's feed is another one.
    """

    url: str
    what: Follow
    file: CursorKeeper
    cursor: Cursor = field(init=False)
    is_over: bool = field(default=False, init=False)
    pause: float = field(default=0.0, init=False)
    _end: Cursor | None = field(default=None, init=False)
    _etag: tuple[Cursor, str] | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)
    _needs_snapshot: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.cursor = self.file.load()

    def request(self) -> dict[str, Any]:
        """The arguments of the next request."""
        about = {"product": self.what.product, "track": self.what.track}
        if self._needs_snapshot:
            return {"method": "GET", "url": "/v1/feed/snapshot", "params": _said(about)}
        place = {"after": self.cursor.after, "mark": self.cursor.mark}
        how = {"limit": self.what.limit, "wait": 0 if self.what.is_once else self.what.wait}
        headers = {"Accept": _LINES}
        if self._etag is not None and self._etag[0] == self.cursor and not self.what.is_once:
            headers["If-None-Match"] = self._etag[1]
        return {"method": "GET", "url": "/v1/feed", "params": _said({**about, **place, **how}), "headers": headers}

    def take(self, heard: Heard) -> list[Json]:
        """The events of an answer. Raises ApiError for a refusal that a repetition cannot mend, and at last any."""
        self._end, answer = None, heard.response
        if answer is None:
            self._failed(_unreachable(self.url, heard.broken))
            return []
        if answer.status_code == httpx2.codes.NOT_MODIFIED:
            self._succeeded(answer)
            return []
        if not answer.is_success:
            return self._refused(answer)
        if self._needs_snapshot:
            return self._snapshot(heard)
        entries, self._end = _read_lines(heard.body)
        if self._end is None:
            self._failures = 0 if entries else self._failures  # a line that brings something is worth another try soon
            self._failed(_unreachable(self.url, heard.broken))
        else:
            self._succeeded(answer)
            self.is_over = self.what.is_once and not entries
            self.pause = 0.0 if self.is_over else self.pause
            self._etag = (self.cursor, answer.headers["ETag"]) if not entries and "ETag" in answer.headers else None
        return list(self._new(entries))

    def dealt_with(self, event: Json) -> None:
        """The caller has done what had to be done about an event: it need not come again."""
        match event["action"]:
            case "rewound":
                self._go_to(Cursor())
            case "snapshot":
                self._needs_snapshot = False
                self._go_to(Cursor(event["next_cursor"], event["next_mark"]))
            case _:
                self._go_to(Cursor(event["number"], event["mark"]))

    def page_ended(self) -> None:
        """All events of the answer were dealt with: go on where the answer said, if it came whole."""
        if self._end is not None and self._end.after >= self.cursor.after and self._end != self.cursor:
            self._etag = None if self._etag is None else (self._end, self._etag[1])
            self._go_to(self._end)

    def _go_to(self, cursor: Cursor) -> None:
        self.file.save(cursor)
        self.cursor = cursor

    def _new(self, entries: list[Json]) -> Iterator[Json]:
        seen = self.cursor.after
        for entry in entries:
            if entry["number"] > seen:
                seen = entry["number"]
                yield entry

    def _refused(self, answer: httpx2.Response) -> list[Json]:
        try:
            read_answer(answer, None)
        except ApiError as error:
            if error.code in _ANOTHER_FEED:
                self.pause = 0.0
                return [{"action": "rewound", "code": error.code, "detail": error.detail}]
            if error.code == _TOO_OLD:
                self._needs_snapshot, self.pause = True, 0.0
                return []
            if not (
                error.status >= httpx2.codes.INTERNAL_SERVER_ERROR or error.status == httpx2.codes.TOO_MANY_REQUESTS
            ):
                raise
            self._failed(error, _seconds(answer, "Retry-After"))
        return []

    def _snapshot(self, heard: Heard) -> list[Json]:
        try:
            event = {"action": "snapshot", **json.loads(heard.body)}
        except ValueError:
            self._failed(_unreachable(self.url, heard.broken))
            return []
        self._failures, self.pause = 0, 0.0
        return [event]

    def _succeeded(self, answer: httpx2.Response) -> None:
        self._failures = 0
        self.pause = _seconds(answer, "X-Poll-Interval") * random.uniform(0.5, 1)  # noqa: S311 - spreads readers

    def _failed(self, error: ApiError | ApiUnreachable, least: float = 0.0) -> None:
        """Pause longer after each failure, and never as long as all the other readers who failed at the same time."""
        self._failures += 1
        if self.what.attempts is not None and self._failures >= self.what.attempts:
            raise error
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        self.pause = min(least, LONGEST_PAUSE) + random.uniform(0, longest)  # noqa: S311 - the same


def _read_lines(body: bytes) -> tuple[list[Json], Cursor | None]:
    """The entries of a body, and the cursor at its end; None when it was cut before that.

    Only a line that has its end counts. JSON may hold what other readers of lines take for an end, such as U+2028.
    """
    *lines, _ = body.split(b"\n")
    try:
        entries = [json.loads(line) for line in lines]
    except ValueError:  # of something between us and the server
        return [], None
    if entries and "next_cursor" in entries[-1]:
        end = entries.pop()
        return entries, Cursor(end["next_cursor"], end["next_mark"])
    return entries, None


def longer(timeout: httpx2.Timeout, wait: float) -> httpx2.Timeout:
    """The same patience, begun after the server's own wait."""
    read = None if timeout.read is None else timeout.read + wait
    return httpx2.Timeout(connect=timeout.connect, read=read, write=timeout.write, pool=timeout.pool)


def _said(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _seconds(answer: httpx2.Response, name: str) -> float:
    wish = answer.headers.get(name, "")
    return float(wish) if wish.isascii() and wish.isdigit() else 0.0


def _unreachable(url: str, broken: httpx2.TransportError | None) -> ApiUnreachable:
    reason = "the answer was cut" if broken is None else str(broken) or type(broken).__name__
    return ApiUnreachable(url, reason, is_undecided=False)
