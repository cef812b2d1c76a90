"""A database with a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import text

from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import State
from sigreq.domain.people import Role
from sigreq.domain.register import DatabaseVerdict
from sigreq.domain.submission import Kind, Track
from sigreq.domain.verdict import Verdict
from sigreq.domain.versions import Scheme
from sigreq.store import people, releases
from sigreq.tables.people import Person
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Hint, Transaction

T = TypeVar("T")
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'")


class Bench:
    """What a test works at: a database, its clock, and the hints that left after commits."""

    def __init__(self, url: str) -> None:
        self.now = START
        self.sent: list[Hint] = []
        self.database = Database(url, pool_size=20, send=self._send, clock=lambda: self.now)

    async def _send(self, hints: Sequence[Hint]) -> None:
        self.sent += hints

    def later(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)


def at(url: str, work: Callable[[Bench], Awaitable[T]]) -> T:
    """Do the work at a bench of its own."""

    async def run() -> T:
        bench = Bench(url)
        try:
            return await work(bench)
        finally:
            await bench.database.close()

    return asyncio.run(run())


async def customer_of(bench: Bench, name: str) -> Person:
    """Somebody of a new organisation, beside a new product; both have this name."""
    async with bench.database.transaction() as tx:
        fields = {"id": name, "title": name, "grace_seconds": 0, "update_instructions": "Update."}
        await releases.add_product(tx, {**fields, "scheme": Scheme.DATE_REVISION})
        await people.add_organisation(tx, name, name)
        return await people.add_person(tx, "Somebody", Role.CUSTOMER, name)


def case_of(customer: Person, **values: Any) -> Submission:
    """A row that waits in the queue, unless the values say something else."""
    told: dict[str, Any] = {
        "id": new_identifier("SR"),
        "organisation_id": customer.organisation_id,
        "submitted_by": customer.id,
        "kind": Kind.FALSE_POSITIVE,
        "product_id": customer.organisation_id,
        "product_version": "1",
        "database_version": "20261122.1",
        "database_verdict": DatabaseVerdict.CURRENT,
        "latest_version": None,
        "severity": 3,
        "expected_verdict": Verdict.CLEAN,
        "contact": "it@example.org",
        "details": {},
        "plan_id": "standard",
        "track": Track.STANDARD,
        "state": State.QUEUED,
        "revision": 1,
        "public_sequence": 1,
        "received_at": START,
        "due_at": START,
        "is_guaranteed": False,
        "calendar": "office",
        "group_id": "analysts",
        "terms": {},
    }
    return Submission(**{**told, **values})


@asynccontextmanager
async def before(
    bench: Bench, second: Coroutine[Any, Any, Any], then: Callable[[Transaction], Awaitable[object]] | None = None
) -> AsyncIterator[Transaction]:
    """A transaction that is at the case first: it ends when `second` waits for it, and then `second` goes on.

    What the transaction does last, when `second` waits already, is `then`.
    """
    async with bench.database.transaction() as tx:
        yield tx
        waits = asyncio.create_task(second)
        while not await _is_somebody_waiting(bench):
            assert not waits.done(), "it did not wait"
        if then is not None:
            await then(tx)
    await waits


async def _is_somebody_waiting(bench: Bench) -> bool:
    async with bench.database.transaction() as tx:
        return bool(await tx.session.scalar(_WAITING))
