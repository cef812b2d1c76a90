"""The queue as the database sorts it is the queue as the rules sort it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import col

from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import State
from sigreq.domain.queueing import Waiting, next_case, order_key
from sigreq.domain.submission import Track
from sigreq.embedded.stack import Addresses
from sigreq.store import queues
from sigreq.store.queues import View
from sigreq.tables.events import Event
from sigreq.tables.people import Person
from sigreq.tables.submissions import Submission
from tests.store.support import START, Bench, case_of, customer_of

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
        yield Desk(runner, bench, runner.run(customer_of(bench, "queue-order")))
        runner.run(bench.database.close())


def _row(case: Waiting, person: Person) -> Submission:
    return case_of(person, **vars(case), is_guaranteed=case.warn_at is not None)


async def _asked_of_sql(
    desk: Desk, cases: list[Waiting], taken: list[Track], now: datetime
) -> tuple[list[str], str | None]:
    """The order and the next case as the database says; nothing of it stays."""
    desk.bench.now = now
    async with desk.bench.database.transaction() as tx:
        others = update(Submission).where(col(Submission.state) == State.QUEUED)
        await tx.session.execute(others.values(state=State.CLOSED, closed_at=now))  # what other tests have left
        tx.session.add_all([_row(case, desk.person) for case in cases])
        for number, track in enumerate(taken):
            at = START - timedelta(days=30) + timedelta(minutes=number)
            row = _row(Waiting(new_identifier("SR"), track, at, at, None), desk.person)
            row.state, row.closed_at = State.CLOSED, at
            event = Event(
                id=f"EV-{number}", subject_id=row.id, sequence=1, name="taken", state="in_analysis", at=at, data={}
            )
            tx.session.add_all([row, event])
        await tx.session.flush()
        found = [row.id for row in await queues.waiting(tx, View({"analysts"}), 200)]
        first = await queues.next_case(tx, View({"analysts"}))
        first_id = first.id if first else None
        await tx.session.rollback()
    return found, first_id


@settings(max_examples=80)
@given(
    cases=st.lists(_cases, max_size=20, unique_by=lambda case: case.id),
    taken=st.lists(st.sampled_from([Track.EXPEDITED, Track.EXPEDITED, Track.STANDARD]), max_size=6),
    now=_hours,
)
def test_the_database_gives_the_queue_and_the_next_case_as_the_rules_do(
    desk: Desk, cases: list[Waiting], taken: list[Track], now: datetime
) -> None:
    order = [case.id for case in sorted(cases, key=lambda case: order_key(case, now))]
    first = next_case(cases, taken, now)
    found = desk.runner.run(_asked_of_sql(desk, cases, taken, now))
    assert found == (order, first.id if first else None)
