"""Watching a stream of server-sent events, apart from how requests are carried out."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from sigreq_client.caller import path
from sigreq_client.calls import Json, read_answer
from sigreq_client.errors import ApiError
from sigreq_client.following import FIRST_PAUSE, LONGEST_PAUSE

SILENCE = 45.0
"""Seconds. The server says something every 15: three times nothing is a lost connection."""

RESET = "reset"


@dataclass
class Watching:
    """One reader of a stream. Call `request`, then `read` with each piece of the answer; when it ends, `ended`, pause.

    Only an event whose end was read counts, so one that was cut comes again, and whole.
    """

    address: str
    pause: float = field(default=0.0, init=False)
    _last: str | None = field(default=None, init=False)
    _rest: bytes = field(default=b"", init=False)
    _failures: int = field(default=0, init=False)

    def request(self) -> dict[str, Any]:
        """The arguments of the next request: it asks for what comes behind the last event."""
        self._rest = b""
        headers = {"Accept": "text/event-stream"}
        if self._last is not None:
            headers["Last-Event-ID"] = self._last
        timeout = httpx2.Timeout(SILENCE, connect=10.0)
        return {"method": "GET", "url": self.address, "headers": headers, "timeout": timeout}

    def read(self, piece: bytes) -> Iterator[tuple[str, Json]]:
        """The names and data of the events that are whole by now."""
        *events, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for event in events:
            told = _fields(event)
            self._failures = 0
            if "data" in told:
                self._last = told.get("id", self._last)
                yield told.get("event", "message"), json.loads(told["data"])

    def refused(self, answer: httpx2.Response) -> None:
        """Deal with an answer that is no stream. Raises ApiError for a refusal that a repetition cannot mend."""
        try:
            read_answer(answer, None)
        except ApiError as error:
            if error.status < httpx2.codes.INTERNAL_SERVER_ERROR and error.status != httpx2.codes.TOO_MANY_REQUESTS:
                raise

    def ended(self) -> None:
        """Pause longer after each failure, and never as long as all others whose streams ended at the same time."""
        self._failures += 1
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        self.pause = random.uniform(0, longest)  # noqa: S311 - spreads readers


def _fields(event: bytes) -> dict[str, str]:
    """An event's fields; a comment has none."""
    pairs = [line.partition(":") for line in event.decode().split("\n")]
    return {name: value.removeprefix(" ") for name, colon, value in pairs if name and colon}


@dataclass
class Case(Watching):
    """Watches one submission."""

    _seen: int = field(default=0, init=False)

    def told(self, name: str, event: Json) -> Json | None:
        """The event as its timeline has it, `reset` as its bare name; None where it was told before."""
        if name == RESET:
            self._seen = 0
            return {"name": RESET}
        if event["sequence"] <= self._seen:
            return None
        self._seen = event["sequence"]
        return event


def of_submission(submission_id: str) -> Case:
    """Watch a submission's events."""
    return Case(path("submissions", submission_id, "events"))


def of_queue() -> Watching:
    """Watch that the queue changes."""
    return Watching(path("queue", "events"))


def is_last(event: Json, timeline: Json) -> bool:
    """Whether a submission was closed with this event and nothing came after it."""
    return bool(timeline["items"]) and timeline["items"][-1]["sequence"] == event["sequence"]


def without_time(queue: Json) -> Json:
    """What of a queue changes only when something happens."""
    return [{**item, "seconds_left": None} for item in queue["items"]]
