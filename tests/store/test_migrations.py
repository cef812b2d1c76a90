"""The migrated database is the one that the tables describe, and has what a new one would have written."""

import asyncio
from datetime import timedelta
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel, col, select

from sigreq.domain.changes import ChangeKind
from sigreq.domain.lifecycle import ChangeState, State
from sigreq.domain.submission import Track
from sigreq.embedded.stack import Addresses
from sigreq.migrations.versions.m0019_what_a_proof_waits_for import LAID_ASIDE
from sigreq.tables import corpus, desk, events, extras, gates, people, releases, submissions, trust
from sigreq.tables.events import Event
from sigreq.tables.releases import Change, ChangeSubmission
from tests.store.support import START, Bench, at, case_of, customer_of

TABLES = (corpus, desk, events, extras, gates, people, releases, submissions, trust)


def differences(url: str) -> list[Any]:
    def compare(connection: Connection) -> list[Any]:
        # SQLModel calls TEXT by a name of its own.
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, SQLModel.metadata))

    async def ask() -> list[Any]:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(compare)
        finally:
            await engine.dispose()

    return asyncio.run(ask())


def test_the_migrations_lead_to_the_tables_as_they_are_described(addresses: Addresses) -> None:
    assert TABLES
    assert differences(addresses.owner_database_url) == []


DETERMINED, CAME_OUT = 10, 20
OUT = ChangeState.PUBLISHED
KNOWN = {
    # the state of a change, the second of its draft, what happened to its case and when; whether the case waits for it
    ("given up", ChangeState.DRAFTED, 5, ()): False,
    ("tested", ChangeState.TESTED, 15, ()): True,
    ("approved", ChangeState.APPROVED, 5, ()): True,
    ("approved again", ChangeState.APPROVED, 5, (("still_happens", 25),)): True,
    ("withdrawn", ChangeState.WITHDRAWN, 5, ()): True,  # which stands for nothing, whatever is written there
    ("never tried", OUT, 5, ()): True,
    ("tried before it came out again", OUT, 5, (("fixed", 15), ("regressed", 17))): True,
    ("did not help", OUT, 5, (("proof_failed", 25),)): False,
    ("fixed", OUT, 5, (("fixed", 25),)): False,
    ("came back", OUT, 5, (("fixed", 15), ("still_happens", 20))): False,
}


def test_a_migrated_case_waits_for_what_was_never_tried_on_it(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        somebody = await customer_of(bench, "awaited")
        async with bench.database.transaction() as tx:
            for number, (name, state, drafted, happened) in enumerate(KNOWN):
                case = case_of(somebody, state=State.DETERMINED, determined_at=START + timedelta(seconds=DETERMINED))
                change = Change(
                    id=name,
                    product_id="awaited",
                    kind=ChangeKind.RULE_MODIFY,
                    track=Track.STANDARD,
                    state=state,
                    revision=1,
                    rev=1,
                    created_at=START + timedelta(seconds=drafted),
                )
                tx.session.add_all([case, change])
                await tx.session.flush()
                tx.session.add(ChangeSubmission(change_id=name, submission_id=case.id))
                came_out = [(name, "published", second) for second in (1, CAME_OUT) if state is OUT]
                for at_case in [*came_out, *((case.id, *each) for each in happened)]:
                    tx.session.add(_event(f"{number}", *at_case))
            await tx.session.flush()
            await tx.session.execute(text(LAID_ASIDE))
            found = await tx.session.execute(
                select(col(ChangeSubmission.change_id), col(ChangeSubmission.is_awaited))
                .join(Change, col(Change.id) == col(ChangeSubmission.change_id))
                .where(col(Change.product_id) == "awaited")
            )
            assert {row[0]: row[1] for row in found} == {name: is_awaited for (name, *_), is_awaited in KNOWN.items()}
            await tx.session.rollback()  # the statement is for a whole database, and others have rows in this one

    at(addresses.database_url, work)


def _event(number: str, subject_id: str, name: str, second: int) -> Event:
    return Event(
        id=f"awaited-{number}-{subject_id}-{name}-{second}",
        subject_id=subject_id,
        sequence=second,
        name=name,
        state="x",
        at=START + timedelta(seconds=second),
        data={},
    )
