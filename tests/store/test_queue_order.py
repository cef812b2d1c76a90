"""The queue as the database sorts it is the queue as the rules sort it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import State
from sigreq.domain.people import Role
from sigreq.domain.queueing import Waiting, order_key
from sigreq.domain.register import DatabaseVerdict
from sigreq.domain.submission import Kind, Track
from sigreq.domain.verdict import Verdict
from sigreq.domain.versions import Scheme
from sigreq.embedded.stack import Addresses
from sigreq.store import people, releases, submissions
from sigreq.tables.people import Person
from sigreq.tables.submissions import Submission
from tests.store.support import START, Bench

_hours = st.integers(-3, 3).map(lambda hours: START + timedelta(hours=hours))
_cases = st.builds(
    Waiting,
    id=st.builds(new_identifier, st.just("SR")),
    track=st.sampled_from(Track),
    received_at=_hours,
    due_at=_hours,
    warn_at=st.none() | _hours,
)


@dataclass
class Desk:
    """One event loop and one database for all examples."""

    runner: asyncio.Runner
    bench: Bench
    person: Person


@pytest.fixture(scope="module")
def desk(addresses: Addresses) -> Iterator[Desk]:
    with asyncio.Runner() as runner:
        bench = Bench(addresses.database_url)
        yield Desk(runner, bench, runner.run(_people(bench)))
        runner.run(bench.database.close())


async def _people(bench: Bench) -> Person:
    async with bench.database.transaction() as tx:
        fields = {"id": "p", "title": "P", "grace_seconds": 0, "update_instructions": "Update."}
        await releases.add_product(tx, {**fields, "scheme": Scheme.DATE_REVISION})
        await people.add_organisation(tx, "o", "O", "standard")
        return await people.add_person(tx, "Somebody", Role.CUSTOMER, "o")


def _row(case: Waiting, person: Person) -> Submission:
    return Submission(
        id=case.id,
        organisation_id="o",
        submitted_by=person.id,
        kind=Kind.FALSE_POSITIVE,
        product_id="p",
        product_version="1",
        database_version="20261122.1",
        database_verdict=DatabaseVerdict.CURRENT,
        latest_version=None,
        severity=3,
        expected_verdict=Verdict.CLEAN,
        contact="it@example.org",
        details={},
        plan_id="standard",
        track=case.track,
        state=State.QUEUED,
        revision=1,
        public_sequence=1,
        received_at=case.received_at,
        due_at=case.due_at,
        warn_at=case.warn_at,
        is_guaranteed=case.warn_at is not None,
    )


async def _sorted_by_sql(bench: Bench, person: Person, cases: list[Waiting], now: datetime) -> list[str]:
    """What the database says; nothing of it stays."""
    bench.now = now
    async with bench.database.transaction() as tx:
        tx.session.add_all([_row(case, person) for case in cases])
        await tx.session.flush()
        found = [row.id for row in await submissions.queue(tx, limit=200)]
        await tx.session.rollback()
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.lists(_cases, max_size=20, unique_by=lambda case: case.id), now=_hours)
def test_the_database_sorts_the_queue_as_the_rules_do(desk: Desk, cases: list[Waiting], now: datetime) -> None:
    expected = [case.id for case in sorted(cases, key=lambda case: order_key(case, now))]
    assert desk.runner.run(_sorted_by_sql(desk.bench, desk.person, cases, now)) == expected
