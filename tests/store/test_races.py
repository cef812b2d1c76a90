"""Two who move the same case at the same moment: the second decides by what the first has made of it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from sigreq.domain.errors import RevisionStale
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor, Role
from sigreq.embedded.stack import Addresses
from sigreq.review import claims, customer
from sigreq.store import groups, people
from sigreq.store.moves import Move, move_submission
from sigreq.tables.people import AnalystGroup, Person
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from tests.store.support import START, Bench, at, case_of, customer_of

CLAIM = timedelta(minutes=30)
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'")


async def _both(bench: Bench, name: str) -> tuple[Actor, Person]:
    """A lead with a group of their own, whose queue holds no other test's cases, and a customer; all of this name."""
    async with bench.database.transaction() as tx:
        person = await people.add_person(tx, "Lead", Role.LEAD, None)
        await groups.put(tx, AnalystGroup(id=name, title=name))
        await groups.join(tx, name, person.id)
    return Actor(person.id, person.name, person.role), await customer_of(bench, name)


def _case(customer: Person, **values: Any) -> Submission:
    return case_of(customer, group_id=customer.organisation_id, **values)


async def _written(bench: Bench, *rows: Submission) -> None:
    async with bench.database.transaction() as tx:
        tx.session.add_all(rows)


@asynccontextmanager
async def _before(bench: Bench, second: Coroutine[Any, Any, Any]) -> AsyncIterator[Transaction]:
    """A transaction that is at the case first: it ends when `second` waits for it, and then `second` goes on."""
    async with bench.database.transaction() as tx:
        yield tx
        waits = asyncio.create_task(second)
        while not await _is_somebody_waiting(bench):
            assert not waits.done(), "it did not wait"
    await waits


async def _is_somebody_waiting(bench: Bench) -> bool:
    async with bench.database.transaction() as tx:
        return bool(await tx.session.scalar(_WAITING))


def test_a_claim_that_upkeep_lapses_at_the_same_moment_is_told_so_as_a_stale_revision(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        analyst, person = await _both(bench, "race-lapse")
        case = _case(
            person,
            state=State.IN_ANALYSIS,
            analyst_id=analyst.person_id,
            claim_expires_at=START - CLAIM,
        )
        await _written(bench, case)

        async def claim() -> None:
            async with bench.database.transaction() as tx:
                with pytest.raises(RevisionStale):
                    await claims.claim(tx, analyst, case.id, case.revision, CLAIM)

        async with _before(bench, claim()) as tx:
            await move_submission(tx, case.id, Move(Event.CLAIM_LAPSED, values={"claim_expires_at": None}))

    at(addresses.database_url, work)


def test_who_takes_a_case_that_its_customer_withdraws_is_given_the_next_one(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        analyst, person = await _both(bench, "race-withdrawal")
        first, second = _case(person), _case(person, due_at=START + CLAIM)
        await _written(bench, first, second)

        async def take() -> None:
            async with bench.database.transaction() as tx:
                taken = await claims.take_next(tx, analyst, CLAIM)
                assert taken is not None
                assert taken.id == second.id

        async with _before(bench, take()) as tx:
            await move_submission(tx, first.id, Move(Event.WITHDRAWN, values={"closed_at": tx.at}))

    at(addresses.database_url, work)


def test_a_reply_to_a_case_that_an_analyst_resumes_at_the_same_moment_is_kept_as_a_comment(
    addresses: Addresses,
) -> None:
    async def work(bench: Bench) -> None:
        analyst, person = await _both(bench, "race-reply")
        writer = Actor(person.id, person.name, person.role, person.organisation_id)
        case = _case(person, state=State.AWAITING_CUSTOMER)
        await _written(bench, case)

        async def reply() -> None:
            async with bench.database.transaction() as tx:
                moved = await customer.reply(tx, writer, case.id, None, "Here it is.", CLAIM)
                assert (moved.state, moved.revision) == (State.IN_ANALYSIS, case.revision + 2)

        async with _before(bench, reply()) as tx:
            await claims.claim(tx, analyst, case.id, case.revision, CLAIM)

    at(addresses.database_url, work)
