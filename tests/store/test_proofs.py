"""What a proof may still call fixed when it ends: its version and every change of the case have to be out by then."""

from datetime import timedelta

import pytest

from sigreq.domain.changes import ChangeKind
from sigreq.domain.lifecycle import ChangeState, State
from sigreq.domain.people import Actor, Role
from sigreq.domain.submission import Track
from sigreq.embedded.stack import Addresses
from sigreq.release import changes
from sigreq.release.proof import hold_fix
from sigreq.store import people, releases
from sigreq.tables.releases import Change, ChangeSubmission, Release
from sigreq.tables.submissions import Submission
from sigreq.validation import known_answers
from sigreq.validation.known_answers import Answer
from sigreq.work import TryAgain
from tests.store.support import START, Bench, at, before, case_of, customer_of

VERSION = "20261122.2"


async def _case(bench: Bench, name: str, *states: ChangeState) -> Submission:
    """A determined case with an old change that did not help, one that is out, and others in these states."""
    customer = await customer_of(bench, name)
    case = case_of(customer, state=State.DETERMINED, determined_at=START)
    old = (ChangeState.GATE_FAILED, -1)
    drafted = [old, *((state, place) for place, state in enumerate([ChangeState.PUBLISHED, *states]))]
    async with bench.database.transaction() as tx:
        tx.session.add(case)
        tx.session.add(
            Release(
                product_id=name,
                version=VERSION,
                ordinal=2,
                published_at=START,
                ruleset_digest="x",
                content_digest="x",
                published_by=customer.id,
            )
        )
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
            )
            tx.session.add(change)
            await tx.session.flush()
            tx.session.add(ChangeSubmission(change_id=change.id, submission_id=case.id))
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
