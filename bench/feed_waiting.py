"""Two hundred long polls at one API process: `python -m bench.feed_waiting`.

99 of 100 must have an entry within a second after its transaction began, the API may have 60 MiB more than before, and
no connection to the database may be held for those who wait; exit code 1 otherwise.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psutil

from sigreq.domain.people import Role
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq.store import people
from sigreq.transaction import Database
from tests.database import one
from tests.feed import Stream, at_database, new_stream, tell

P99_ALLOWED = 1.0
IDLE_PERCENT = 4
MEMORY_ALLOWED = 60 * 1024**2
OURS = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
IN_TRANSACTION = f"{OURS} AND xact_start < clock_timestamp() - interval '0.5 s'"


@dataclass
class Poller:
    """A reader on one bare connection: the client's own work must not count as the server's."""

    key: str
    stream: Stream
    after: int = 0

    async def connect(self, url: str) -> None:
        """Open the connection."""
        parts = urlsplit(url)
        self._in, self._out = await asyncio.open_connection(parts.hostname, parts.port)

    async def poll(self) -> float:
        """One long poll; when its answer was there."""
        self._out.write(
            f"GET /v1/feed?product={self.stream.product}&after={self.after}&wait=55 HTTP/1.1\r\n"
            f"Host: here\r\nAuthorization: Bearer {self.key}\r\nAccept: application/x-ndjson\r\n\r\n".encode()
        )
        head = (await self._in.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = await self._in.readexactly(length)
        at = time.monotonic()
        *entries, _ = body.splitlines()
        if " 200 " not in head or len(entries) != 1:
            sys.exit(f"not the one entry that was awaited: {head}{body.decode()}")
        self.after += 1
        return at


async def _keys(database: Database, count: int) -> list[str]:
    async with database.transaction() as tx:
        made = [await people.add_person(tx, f"Tool {number}", Role.RELEASE, None) for number in range(count)]
        return [await people.issue_key(tx, person) for person in made]


async def _rounds(service: Service, pollers: Sequence[Poller], stream: Stream, count: int) -> list[list[float]]:
    """For each entry the seconds until each poller had it."""
    found = []

    async def nothing(_: object) -> None:
        """No hints."""

    database = Database(service.env["SIGREQ_DATABASE__URL"], pool_size=1, send=nothing)
    for poller in pollers:
        await poller.connect(service.url)
    for number in range(count):
        polls = [asyncio.create_task(poller.poll()) for poller in pollers]
        await asyncio.to_thread(_settle, service)
        if number == count - 1:
            await asyncio.to_thread(_tell_what_is_held, service)
        began = time.monotonic()
        await tell(database, stream, f"{number}")
        found.append(sorted([at - began for at in await asyncio.gather(*polls)]))
    await database.close()
    return found


def _settle(service: Service) -> None:
    """Return when the API has nothing more to do: all of them wait."""
    api = psutil.Process(service.pid("api"))
    api.cpu_percent()
    while api.cpu_percent(0.5) > IDLE_PERCENT:
        pass


HELD: list[int] = []


def _tell_what_is_held(service: Service) -> None:
    HELD[:] = [
        one(service, OURS),
        one(service, IN_TRANSACTION),
        psutil.Process(service.pid("api")).memory_info().rss,
    ]


def main() -> None:
    """Print what was found; exit code 1 when it is too slow, too large or holds connections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pollers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="sigreq-feed-") as name, Service(Path(name) / "data") as service:
        sys.exit(not _run(service, asked.pollers, asked.rounds))


def _run(service: Service, count: int, rounds: int) -> bool:
    url = service.env["SIGREQ_DATABASE__URL"]
    first_keys(url, service.data / "keys")
    keys = at_database(url, lambda database: _keys(database, count))
    warm = new_stream(url)
    asyncio.run(_rounds(service, [Poller(keys[0], warm)], warm, 3))
    _tell_what_is_held(service)
    before = list(HELD)
    stream = new_stream(url)
    start = one(service, "SELECT max(number) FROM feed_entry")
    times = asyncio.run(_rounds(service, [Poller(key, stream, start) for key in keys], stream, rounds))
    every = sorted(each for found in times for each in found)
    p50, p99 = every[len(every) // 2], every[int(len(every) * 0.99)]
    grown = HELD[2] - before[2]
    print(f"{count} pollers, {rounds} entries: median {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, ", end="")
    print(f"worst {every[-1] * 1000:.0f} ms; the slowest round's first {max(f[0] for f in times) * 1000:.0f} ms")
    print(f"memory of the API: {before[2] / 2**20:.0f} MiB with one, {grown / 2**20:+.1f} MiB with all waiting")
    print(f"database connections of the whole service: {before[0]} with one, {HELD[0]} with all waiting, ", end="")
    print(f"{HELD[1]} of them in a transaction")
    return p99 <= P99_ALLOWED and grown <= MEMORY_ALLOWED and not HELD[1]


if __name__ == "__main__":
    main()
