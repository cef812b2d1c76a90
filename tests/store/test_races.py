"""Two who move the same case at the same moment: the second decides by what the first has made of it."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.changes import ChangeKind
from sigreq.domain.errors import RevisionStale, StateForbids
from sigreq.domain.extras import Ending
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeState, Event, State
from sigreq.domain.people import Actor, Role
from sigreq.domain.submission import SampleFacts, Track
from sigreq.embedded.stack import Addresses
from sigreq.release import changes
from sigreq.release import extras as urgent
from sigreq.review import claims, customer
from sigreq.store import extra_notes, extras, files, groups, people, proofs, samples, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.events import Event as Told
from sigreq.tables.extras import Extra
from sigreq.tables.people import AnalystGroup, Person
from sigreq.tables.releases import Change, ChangeRevision, ChangeSubmission
from sigreq.tables.submissions import Submission, SubmissionFile
from sigreq.transaction import Transaction
from sigreq.upkeep import expired
from tests.store.support import START, Bench, at, before, case_of, customer_of

CLAIM = timedelta(minutes=30)


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

        async with before(bench, claim()) as tx:
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

        async with before(bench, take()) as tx:
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

        async with before(bench, reply()) as tx:
            await claims.claim(tx, analyst, case.id, case.revision, CLAIM)

    at(addresses.database_url, work)


async def _urgent(bench: Bench, lead: Actor, case: Submission) -> Extra:
    """The extra of a change for this case, whose time is over; nobody has written that down."""
    payload = {"sha256": "a" * 64}
    change = Change(
        id=new_identifier("CH"), product_id=case.product_id, kind=ChangeKind.HASH_ALLOW, track=Track.EXPEDITED,
        state=ChangeState.APPROVED, revision=1, rev=1, created_at=START,
    )  # fmt: skip
    extra = Extra(
        id=new_identifier(extras.PREFIX), product_id=case.product_id, base_version="20261122.1", kind=change.kind,
        payload=payload, sha256=payload["sha256"], digest="0" * 64, change_id=change.id, hours=1,
        proposed_by=lead.person_id, proposed_at=START, live_at=START - 2 * CLAIM, expires_at=START,
    )  # fmt: skip
    async with bench.database.transaction() as tx:
        tx.session.add(change)
        await tx.session.flush()
        tx.session.add(ChangeSubmission(change_id=change.id, submission_id=case.id))
        revision = ChangeRevision(
            change_id=change.id, rev=1, payload=payload, written_by=lead.person_id, written_at=START
        )
        tx.session.add(revision)
        return await extras.add(tx, extra)


async def _expire(bench: Bench, _lead: Actor, _extra: Extra) -> None:
    await expired.end_expired_extras(bench.database)


async def _take_back(bench: Bench, lead: Actor, extra: Extra) -> None:
    async with bench.database.transaction() as tx:
        await urgent.end(tx, lead, extra.id)


async def _withdraw_change(bench: Bench, lead: Actor, extra: Extra) -> None:
    async with bench.database.transaction() as tx:
        await changes.withdraw(tx, lead, str(extra.change_id), 1, "not now")


@pytest.mark.parametrize("end", [_expire, _take_back, _withdraw_change], ids=lambda each: each.__name__.strip("_"))
def test_an_extra_that_two_end_at_once_is_ended_by_the_first_and_neither_is_thrown_out(
    addresses: Addresses, end: Callable[[Bench, Actor, Extra], Coroutine[Any, Any, None]]
) -> None:
    async def work(bench: Bench) -> None:
        lead, person = await _both(bench, f"race-extra{end.__name__.replace('_', '-')}")
        case = _case(person, state=State.DETERMINED)
        await _written(bench, case)
        extra = await _urgent(bench, lead, case)

        async def replace(tx: Transaction) -> None:
            await extra_notes.note_ended(tx, await extras.end(tx, [extra.id], Ending.BASE_REPLACED, lead), lead)

        async with before(bench, end(bench, lead, extra), replace) as tx:
            await submissions.lock_all(tx, [case.id])
        async with bench.database.transaction() as tx:
            assert (await extras.get(tx, extra.id)).ending is Ending.BASE_REPLACED
            told = await tx.session.scalars(select(col(Told.name)).where(col(Told.subject_id) == case.id))
            assert told.all() == [Event.EXTRA_ENDED]

    at(addresses.database_url, work)


@pytest.mark.parametrize("end", [_expire, _take_back, _withdraw_change], ids=lambda each: each.__name__.strip("_"))
def test_an_extra_is_ended_although_its_case_is_withdrawn_at_the_same_moment(
    addresses: Addresses, end: Callable[[Bench, Actor, Extra], Coroutine[Any, Any, None]]
) -> None:
    async def work(bench: Bench) -> None:
        lead, person = await _both(bench, f"race-closed{end.__name__.replace('_', '-')}")
        case = _case(person, state=State.DETERMINED)
        await _written(bench, case)
        extra = await _urgent(bench, lead, case)
        async with before(bench, end(bench, lead, extra)) as tx:
            await move_submission(tx, case.id, Move(Event.WITHDRAWN, values={"closed_at": tx.at}))
        async with bench.database.transaction() as tx:
            assert (await extras.get(tx, extra.id)).ended_at is not None

    at(addresses.database_url, work)


PAYLOAD = {"rule": "Marker", "source": "rule Marker { condition: false }"}


def test_a_case_that_is_withdrawn_at_the_same_moment_gets_no_change(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        lead, person = await _both(bench, "race-draft")
        case = _case(person, state=State.DETERMINED)
        await _written(bench, case)

        async def draft() -> None:
            with pytest.raises(StateForbids) as refused:
                async with bench.database.transaction() as tx:
                    await changes.draft(tx, lead, [case.id], ChangeKind.RULE_MODIFY, PAYLOAD)
            assert refused.value.state == State.CLOSED

        async with before(bench, draft()) as tx:
            await move_submission(tx, case.id, Move(Event.WITHDRAWN, values={"closed_at": tx.at}))
        async with bench.database.transaction() as tx:
            assert await submissions.changes_of(tx, case.id) == []

    at(addresses.database_url, work)


def test_a_change_for_several_cases_locks_them_in_the_order_of_everybody(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        lead, person = await _both(bench, "race-draft-order")
        cases = [_case(person, state=State.DETERMINED) for _ in range(2)]
        await _written(bench, *cases)
        first, last = sorted(case.id for case in cases)

        async def draft() -> None:
            async with bench.database.transaction() as tx:
                await changes.draft(tx, lead, [last, first], ChangeKind.RULE_MODIFY, PAYLOAD)

        async with before(bench, draft(), lambda tx: submissions.lock(tx, last)) as tx:
            await submissions.lock(tx, first)

    at(addresses.database_url, work)


def test_a_change_for_a_case_that_is_determined_at_the_same_moment_counts_as_drafted_after_that(
    addresses: Addresses,
) -> None:
    async def work(bench: Bench) -> None:
        lead, person = await _both(bench, "race-determined")
        case = _case(person, state=State.IN_ANALYSIS, analyst_id=lead.person_id, claim_expires_at=START + CLAIM)
        await _written(bench, case)

        async def draft() -> None:
            async with bench.database.transaction() as tx:
                await changes.draft(tx, lead, [case.id], ChangeKind.RULE_MODIFY, PAYLOAD)

        async def determine(tx: Transaction) -> None:
            await move_submission(tx, case.id, Move(Event.DETERMINED, values={"claim_expires_at": None}))
            await proofs.lay_aside(tx, case.id, proofs.UNAPPROVED)

        async with before(bench, draft(), determine) as tx:
            await submissions.lock(tx, case.id)
        async with bench.database.transaction() as tx:
            (change,) = (await proofs.awaited(tx, [case.id]))[case.id]
            assert change.state is ChangeState.DRAFTED

    at(addresses.database_url, work)


def test_two_release_tools_that_pick_up_one_change_at_once_are_both_right(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        lead, person = await _both(bench, "race-picked-up")
        case = _case(person, state=State.DETERMINED)
        await _written(bench, case)
        change = str((await _urgent(bench, lead, case)).change_id)

        async def pick_up() -> None:
            async with bench.database.transaction() as tx:
                assert (await changes.picked_up(tx, lead, change)).state is ChangeState.PICKED_UP

        async with before(bench, pick_up()) as tx:
            await changes.picked_up(tx, lead, change)

    at(addresses.database_url, work)


def test_two_who_look_into_the_same_files_again_keep_what_the_second_finds(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        _, person = await _both(bench, "race-examined")
        case = _case(person)
        sent = SampleFacts("outer.zip", 3, "b" * 64, "b" * 40, "b" * 32)
        await _written(bench, case)
        async with bench.database.transaction() as tx:
            await samples.keep(tx, case.organisation_id, [sent])
            await files.sent(tx, case.id, [sent])

        async def look(tx: Transaction, name: str) -> None:
            await files.forget_members(tx, case.id)
            tx.session.add(SubmissionFile(submission_id=case.id, position=1, parent=0, name=name, faults=[]))
            await tx.session.flush()

        async def look_too() -> None:
            async with bench.database.transaction() as tx:
                await look(tx, "second")

        async with bench.database.transaction() as tx:
            await look(tx, "before")
        async with before(bench, look_too()) as tx:
            await look(tx, "first")
        async with bench.database.transaction() as tx:
            assert [each.name for each in await files.of(tx, case)] == ["outer.zip", "second"]

    at(addresses.database_url, work)
