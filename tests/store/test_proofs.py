"""What a proof may still call fixed when it ends: its version and every change of the case have to be out by then."""

from datetime import timedelta

import pytest

from sigreq.domain.changes import ChangeKind
from sigreq.domain.lifecycle import ChangeState, Event, State
from sigreq.domain.people import Actor, Role
from sigreq.domain.submission import Track
from sigreq.domain.verdict import Determination, Verdict
from sigreq.embedded.stack import Addresses
from sigreq.release import changes
from sigreq.release.proof import hold_fix, hold_newest
from sigreq.review.decisions import Conclusion
from sigreq.review.decisions import determine as determine_case
from sigreq.store import changes as store_changes
from sigreq.store import clocks, contracts, jobs, locks, people, releases
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, begin_submission, move_submission
from sigreq.tables.people import Person
from sigreq.tables.releases import Change, ChangeRevision, ChangeSubmission, Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from sigreq.validation import known_answers
from sigreq.validation.known_answers import Answer
from sigreq.work import TryAgain
from tests.store.support import START, Bench, at, before, case_of, customer_of

VERSION = "20261122.2"


def _release(product: str, customer: Person, version: str, ordinal: int, digest: str) -> Release:
    return Release(
        product_id=product,
        version=version,
        ordinal=ordinal,
        published_at=START,
        ruleset_digest=digest,
        content_digest=digest,
        published_by=customer.id,
    )


async def _case(bench: Bench, name: str, *states: ChangeState) -> Submission:
    """A determined case with an old change that did not help, one that is out, and others in these states."""
    customer = await customer_of(bench, name)
    writer = Actor(customer.id, customer.name, customer.role, name)
    old = (ChangeState.GATE_FAILED, -1)
    drafted = [old, *((state, place) for place, state in enumerate([ChangeState.PUBLISHED, *states]))]
    async with bench.database.transaction() as tx:
        terms = (await clocks.terms_of(tx, await people.plan(tx, contracts.STANDARD))).to_document()
        case = case_of(customer, state=State.DETERMINED, determined_at=START, terms=terms)
        await begin_submission(tx, case, writer, {"severity": case.severity})
        tx.session.add(_release(name, customer, VERSION, 2, "x"))
        for state, place in drafted:
            change = Change(
                id=f"CH-{name}-{place}",
                product_id=name,
                kind=ChangeKind.RULE_MODIFY,
                track=Track.STANDARD,
                state=state,
                revision=1,
                rev=1,
                created_at=START + timedelta(seconds=place),
                published_in=VERSION if state is ChangeState.PUBLISHED else None,
            )
            tx.session.add(change)
            await tx.session.flush()
            tx.session.add(ChangeSubmission(change_id=change.id, submission_id=case.id, is_awaited=place >= 0))
            tx.session.add(
                ChangeRevision(change_id=change.id, rev=1, payload={}, written_by=customer.id, written_at=START)
            )
    return case


@pytest.mark.parametrize(
    ("state", "is_fixed"),
    [
        (ChangeState.WITHDRAWN, True),
        (ChangeState.PUBLISHED, True),
        (ChangeState.APPROVED, False),  # its version was withdrawn
        (ChangeState.GATE_FAILED, False),  # its version was gone back from
    ],
)
def test_nothing_is_fixed_while_another_change_of_the_case_is_to_come(
    addresses: Addresses, state: ChangeState, *, is_fixed: bool
) -> None:
    async def work(bench: Bench) -> None:
        case = await _case(bench, f"proof-{state}".replace("_", "-"), state)
        async with bench.database.transaction() as tx:
            held = [change.id[-1] for change in await hold_fix(tx, case.id, VERSION)]
        assert held == (["0", "1"] if state is ChangeState.PUBLISHED else ["0"]) * is_fixed

    at(addresses.database_url, work)


def test_nothing_is_fixed_while_another_change_of_the_case_is_drafted(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        case = await _case(bench, "proof-while-drafting")
        async with bench.database.transaction() as tx:
            writer = await people.add_person(tx, "Analyst", Role.ANALYST, None)
        analyst = Actor(writer.id, writer.name, writer.role)

        async def prove() -> None:
            async with bench.database.transaction() as tx:
                assert await hold_fix(tx, case.id, VERSION) == []

        async with before(bench, prove()) as tx:
            await changes.draft(
                tx, analyst, [case.id], ChangeKind.RULE_MODIFY, {"rule": "One", "source": "rule One {}"}
            )

    at(addresses.database_url, work)


def test_a_proof_and_a_withdrawal_of_its_version_lock_the_changes_in_one_order(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        case = await _case(bench, "proof-in-order", ChangeState.PUBLISHED)
        first, second = (f"CH-{case.product_id}-{place}" for place in (0, 1))
        async with bench.database.transaction() as tx:
            (await tx.session.get_one(Change, first)).created_at = START + timedelta(minutes=1)

        async def prove() -> None:
            async with bench.database.transaction() as tx:
                held = await hold_fix(tx, case.id, VERSION)
                assert [change.id for change in held] == [second, first], "by their age"

        async def lock_the_next(tx: Transaction) -> None:
            await store_changes.lock(tx, second)

        async with before(bench, prove(), lock_the_next) as tx:
            await store_changes.lock(tx, first)

    at(addresses.database_url, work)


@pytest.mark.parametrize("is_determined_first", [True, False])
def test_a_case_determined_while_its_last_open_change_is_withdrawn_is_proved_once(
    addresses: Addresses, *, is_determined_first: bool
) -> None:
    async def work(bench: Bench) -> None:
        case = await _case(bench, f"proof-once-{is_determined_first}".lower(), ChangeState.APPROVED)
        async with bench.database.transaction() as tx:
            person = await people.add_person(tx, "Lead", Role.LEAD, None)
            lead, until = Actor(person.id, person.name, person.role), START + timedelta(minutes=30)
            values = {"analyst_id": lead.person_id, "claim_expires_at": until}
            held = await move_submission(tx, case.id, Move(Event.RESUMED, lead, values=values))
        said = Conclusion(Determination.FALSE_POSITIVE_CONFIRMED, Verdict.CLEAN, "As you say.")

        async def determine(tx: Transaction) -> None:
            await determine_case(tx, lead, case.id, held.revision, said)

        async def withdraw(tx: Transaction) -> None:
            change = await tx.session.get_one(Change, f"CH-{case.product_id}-1")
            await changes.withdraw(tx, lead, change.id, change.revision, "One is enough.")

        first, second = (determine, withdraw) if is_determined_first else (withdraw, determine)

        async def go_second() -> None:
            async with bench.database.transaction() as tx:
                await second(tx)

        async with before(bench, go_second()) as tx:
            await first(tx)
        assert [hint.name for hint in bench.sent].count(jobs.JobName.PROVE) == 1

    at(addresses.database_url, work)


def test_a_version_that_is_withdrawn_meanwhile_is_no_known_answer(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        case = await _case(bench, "answer-withdrawn")
        async with bench.database.transaction() as tx:
            answer = Answer(await releases.release(tx, case.product_id, VERSION), [], {})
            await known_answers.hold(tx, case, answer)

        async def give() -> None:
            with pytest.raises(TryAgain):
                async with bench.database.transaction() as tx:
                    await known_answers.hold(tx, case, answer)

        async with before(bench, give()) as tx:
            await releases.withdraw(tx, case.product_id, VERSION)

    at(addresses.database_url, work)


def test_a_version_that_was_withdrawn_while_it_was_proved_has_fixed_nothing(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        case = await _case(bench, "proof-of-a-withdrawn")
        async with bench.database.transaction() as tx:
            assert await hold_fix(tx, case.id, VERSION)
        async with bench.database.transaction() as tx:
            await releases.withdraw(tx, case.product_id, VERSION)
        async with bench.database.transaction() as tx:
            assert await hold_fix(tx, case.id, VERSION) == []

    at(addresses.database_url, work)


def test_a_proof_ends_only_with_what_is_the_newest_when_no_guard_can_be_planned_any_more(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        name = "proof-newest"
        customer = await customer_of(bench, name)
        async with bench.database.transaction() as tx:
            tx.session.add(tried := _release(name, customer, VERSION, 2, "x"))

        async def end() -> None:
            with pytest.raises(TryAgain):
                async with bench.database.transaction() as tx:
                    await hold_newest(tx, tried)

        async with before(bench, end()) as tx:
            await locks.share(tx, Lock.SOLVED)  # as the plan of a guard
            tx.session.add(_release(name, customer, "20261122.3", 3, "x"))
            tx.session.add(_release(name, customer, "20261122.4", 4, "y"))
        async with bench.database.transaction() as tx:
            await releases.withdraw(tx, tried.product_id, "20261122.4")
            await hold_newest(tx, tried)  # the newest has the same rules

    at(addresses.database_url, work)
