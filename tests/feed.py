"""Entries put into a feed through the store, as every approval puts its own there, but without a case behind each."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TypeVar

from sigreq.domain.changes import ChangeKind
from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import Actor, Role
from sigreq.domain.submission import Track
from sigreq.domain.versions import Scheme
from sigreq.embedded.service import Service
from sigreq.store import feed, people, releases
from sigreq.store.moves import begin_change
from sigreq.tables.releases import Change, ChangeRevision, FeedEntry
from sigreq.transaction import Database, Hint

T = TypeVar("T")
_numbers = count(1)


@dataclass(frozen=True)
class Stream:
    """A product with one open change, about which anything can be told in the feed."""

    product: str
    change: str


async def _nothing(_: Sequence[Hint]) -> None:
    """There are no hints."""


def at_database(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do something at the database, as the application's role."""

    async def run() -> T:
        database = Database(url, pool_size=10, send=_nothing)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


async def begin(database: Database) -> Stream:
    """A new product and its change."""
    async with database.transaction() as tx:
        product = f"stream-{next(_numbers)}"
        fields = {"id": product, "title": product, "grace_seconds": 0, "update_instructions": "Update."}
        await releases.add_product(tx, {**fields, "scheme": Scheme.DATE_REVISION})
        person = await people.add_person(tx, "Writer", Role.ANALYST, None)
        change = Change(
            id=new_identifier("CH"), product_id=product, kind=ChangeKind.RULE_ADD, track=Track.STANDARD,
            state=ChangeState.APPROVED, revision=0, rev=1, created_at=tx.at,
        )  # fmt: skip
        await begin_change(tx, change, Actor(person.id, person.name, person.role), {})
        payload = {"rule": "Some", "source": "rule Some { condition: false }"}
        tx.session.add(
            ChangeRevision(change_id=change.id, rev=1, payload=payload, written_by=person.id, written_at=tx.at)
        )
        return Stream(product, change.id)


def entry_of(stream: Stream, name: str, at: datetime, track: Track = Track.STANDARD) -> FeedEntry:
    """What `tell` appends."""
    return FeedEntry(
        number=0,
        product_id=stream.product,
        track=track,
        action="approved",
        change_id=stream.change,
        document={"id": stream.change, "name": name},
        at=at,
    )


async def tell(database: Database, stream: Stream, name: str, *, track: Track = Track.STANDARD) -> None:
    """One entry, in a transaction of its own; tried again while PostgreSQL is away, so it may be there twice."""
    while True:
        try:
            async with database.transaction() as tx:
                entry = entry_of(stream, name, tx.at, track)
                await feed.append(tx, entry)
        except ServiceUnavailable:
            await asyncio.sleep(0.05)
        else:
            return


async def tell_all(database: Database, stream: Stream, writers: int, each: int) -> None:
    """So many writers at once, each with so many entries called `writer-number`."""

    async def write(writer: int) -> None:
        for number in range(each):
            await tell(database, stream, f"{writer}-{number}")

    await asyncio.gather(*(write(writer) for writer in range(writers)))


def new_stream(url: str) -> Stream:
    """A new product and its change, on this database."""
    return at_database(url, begin)


def say(url: str, stream: Stream, *names: str, track: Track = Track.STANDARD) -> None:
    """Entries of these names, one after the other."""

    async def write(database: Database) -> None:
        for name in names:
            await tell(database, stream, name, track=track)

    at_database(url, write)


def owner_url(service: Service) -> str:
    """The service's database, for the role that owns it."""
    secrets = json.loads((service.data / "secrets.json").read_text())
    login = f"sigreq_app:{secrets['postgres_app']}@"
    found = service.env["SIGREQ_DATABASE__URL"].replace(login, f"sigreq_owner:{secrets['postgres_owner']}@")
    assert "sigreq_owner" in found
    return found
