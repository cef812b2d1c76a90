"""Reads a stream of server-sent events as a browser does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from sigreq_client.certificates import trusted


@dataclass(frozen=True)
class Sent:
    """One event, or a comment (without a name)."""

    name: str | None
    data: str
    id: str | None


@contextmanager
def watching(
    url: str, path: str, key: str | None, last: str | None = None, cookie: str = ""
) -> Iterator[Iterator[Sent]]:
    """The events of a stream, as they come."""
    headers = {"Authorization": f"Bearer {key}"} if key else {"Cookie": cookie}
    headers |= {"Last-Event-ID": last} if last is not None else {}
    with (
        httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False, verify=trusted()) as http,
        http.stream("GET", path) as answer,
    ):
        assert answer.status_code == 200, answer.status_code
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Sent]:
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            yield Sent(None, line[1:].strip(), None)
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Sent(fields["event"], fields["data"], fields.get("id"))
            fields = {}


def upto(events: Iterator[Sent], name: str) -> list[Sent]:
    """The events until one of this name has come."""
    found = []
    for each in events:
        if each.name is not None:
            found.append(each)
        if each.name == name:
            break
    return found
