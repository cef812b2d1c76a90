"""The console with a long queue, and with many who watch it: `python -m bench.console`.

With 100,000 open cases the queue page must be under 100 KB compressed and take less than three times as long as its
statements and its template alone. 200 analysts who watch the queue may cost the API a tenth of a core while nothing
happens, and no connection to the database. Exit code 1 otherwise.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psutil

from bench.console_pages import Cost, cost
from bench.console_queue import Analyst, fill, signed_in
from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.database import one
from tests.world import World

RATIO_ALLOWED = 3.0
BYTES_ALLOWED = 100_000
SHARE_ALLOWED = 0.10
RULES_SECONDS_ALLOWED = 1.0
SETTLE_SECONDS = 3
QUEUE, BY_RULE = "/queue", "/queue/rules"
# Severity and finding come from one number, so no case has both of the third: all cases are looked at in vain.
PATHS = (QUEUE, "/queue?track=standard&detection=Family.Name.7", "/queue?severity=1&finding=refuted", BY_RULE)

_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
_IN_TRANSACTION = f"{_CONNECTIONS} AND xact_start < clock_timestamp() - interval '0.5 s'"


@dataclass(frozen=True)
class Load:
    """How many cases and analysts, how often pages are asked for, and how long nothing happens, in seconds."""

    cases: int = 100_000
    analysts: int = 200
    rounds: int = 20
    quiet: float = 30


@dataclass(frozen=True)
class Held:
    """Connections to the database of the whole service, those of them in a transaction, and the API's local sockets."""

    connections: int
    in_transaction: int
    sockets: int


@dataclass(frozen=True)
class Watching:
    """What watching costs: a share of one core, and what was held with one who watches and with all."""

    share: float
    with_one: Held
    with_all: Held

    @property
    def holds_nothing(self) -> bool:
        """The connections of before, and no transaction."""
        return self.with_all.sockets <= self.with_one.sockets and not self.with_all.in_transaction


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    pages: Sequence[Cost]
    watching: Watching

    @property
    def is_small(self) -> bool:
        """Whether every page is."""
        return all(each.compressed < BYTES_ALLOWED for each in self.pages)

    @property
    def is_fast(self) -> bool:
        """Whether the whole queue is."""
        return self._of(QUEUE).ratio < RATIO_ALLOWED

    @property
    def is_fast_by_rule(self) -> bool:
        """Whether the queue by rule is no page that one waits for."""
        return self._of(BY_RULE).seconds < RULES_SECONDS_ALLOWED

    def _of(self, path: str) -> Cost:
        return next(each for each in self.pages if each.path == path)


def play(load: Load, data: Path, fork_server: ForkServer | None = None) -> Figures:
    """Fill the queue, ask for its pages, and watch it."""
    with Service(data, fork_server=fork_server) as service:
        with World(service.url, first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")) as world:
            began = time.monotonic()
            fill(service, world, load.cases)
        cases = one(service, "SELECT count(*) FROM submission WHERE state = 'queued'")
        assert cases == load.cases, cases
        print(f"{cases} open cases made in {time.monotonic() - began:.0f} s; {_load()}")
        analysts = signed_in(service, load.analysts)
        pages = []
        for path in PATHS:
            pages.append(cost(service, analysts[0], path, load.rounds))
            print(pages[-1])
        watching = asyncio.run(_watch(service, analysts, load.quiet))
        print(
            f"{load.analysts} analysts watch: {watching.share:.2%} of a core in {load.quiet:.0f} s without an event; "
        )
        print(f"with one: {watching.with_one}; with all: {watching.with_all}; {_load()}")
        return Figures(pages, watching)


async def _watch(service: Service, analysts: Sequence[Analyst], quiet: float) -> Watching:
    """All of them at `/queue/events`; each has had its first event when the quiet time begins."""
    api = psutil.Process(service.pid("api"))
    first, *others = analysts
    open_streams = [await _stream(service.url, first)]
    await asyncio.sleep(SETTLE_SECONDS)
    with_one = await asyncio.to_thread(_held, service)
    open_streams += [await _stream(service.url, each) for each in others]
    await asyncio.sleep(SETTLE_SECONDS)
    before, began = sum(api.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(quiet)
    share = (sum(api.cpu_times()[:2]) - before) / (time.monotonic() - began)
    with_all = await asyncio.to_thread(_held, service)
    for incoming, outgoing in open_streams:
        assert not incoming.at_eof(), "a stream has ended"
        outgoing.close()
    return Watching(share, with_one, with_all)


async def _stream(url: str, analyst: Analyst) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Watch the queue as an open page does, on one bare connection; return behind the first event."""
    parts = urlsplit(url)
    incoming, outgoing = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"GET /queue/events HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n"
    outgoing.write(f"{head}Cookie: {analyst.cookie}\r\n\r\n".encode())
    status = await incoming.readuntil(b"\r\n\r\n")
    assert b" 200 " in status.splitlines()[0], status
    await incoming.readuntil(b"event: queue\n")
    return incoming, outgoing


def _held(service: Service) -> Held:
    """The API's sockets on this machine are its connections to PostgreSQL, and a constant few of its own."""
    sockets = len(psutil.Process(service.pid("api")).net_connections("unix"))
    return Held(one(service, _CONNECTIONS), one(service, _IN_TRANSACTION), sockets)


def _load() -> str:
    return "load average " + ", ".join(f"{each:.1f}" for each in os.getloadavg())


def main() -> None:
    """Print what was found; exit code 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=Load.cases)
    parser.add_argument("--analysts", type=int, default=Load.analysts)
    parser.add_argument("--rounds", type=int, default=Load.rounds)
    parser.add_argument("--quiet", type=float, default=Load.quiet)
    told = parser.parse_args()
    with TemporaryDirectory(prefix="sigreq-console-") as name:
        found = play(Load(told.cases, told.analysts, told.rounds, told.quiet), Path(name) / "data")
    watching = found.watching
    held = {
        f"every page under {BYTES_ALLOWED / 1e3:.0f} KB": found.is_small,
        f"the queue under {RATIO_ALLOWED} times its statements and template": found.is_fast,
        f"the queue by rule under {RULES_SECONDS_ALLOWED} s": found.is_fast_by_rule,
        f"watching under {SHARE_ALLOWED:.0%} of a core": watching.share < SHARE_ALLOWED,
        "no connection held": watching.holds_nothing,
    }
    for claim, is_held in held.items():
        print(f"{claim}: {'holds' if is_held else 'MISSED'}")
    sys.exit(not all(held.values()))


if __name__ == "__main__":
    main()
