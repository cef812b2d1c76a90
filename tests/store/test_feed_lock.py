"""The feed's one lock: whoever writes to the feed at once with others waits, and none of them is thrown out."""

import asyncio

from sigreq.domain.changes import ChangeKind
from sigreq.domain.errors import Problem
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import Actor, Role
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.domain.versions import Scheme
from sigreq.embedded.stack import Addresses
from sigreq.release import changes
from sigreq.release.publish import Built, Publication, publish
from sigreq.store import people, releases
from sigreq.store.moves import begin_change
from sigreq.tables.releases import Change, ChangeRevision
from sigreq.transaction import Transaction
from tests.store.support import Bench, at

RULES = {f"Rule_{number}": f"rule Rule_{number} {{ condition: false }}" for number in range(6)}


async def _approved(tx: Transaction, actor: Actor, product: str, rule: str) -> Change:
    row = Change(
        id=new_identifier("CH"), product_id=product, kind=ChangeKind.RULE_ADD, track=Track.STANDARD,
        state=ChangeState.APPROVED, revision=0, rev=1, created_at=tx.at,
    )  # fmt: skip
    await begin_change(tx, row, actor, {})
    payload = {"rule": rule, "source": RULES[rule]}
    tx.session.add(
        ChangeRevision(change_id=row.id, rev=1, payload=payload, written_by=actor.person_id, written_at=tx.at)
    )
    await tx.session.flush()
    return row


async def _prepare(bench: Bench, product: str) -> tuple[Actor, list[Change]]:
    async with bench.database.transaction() as tx:
        fields = {"id": product, "title": product, "grace_seconds": 0, "update_instructions": "Update."}
        await releases.add_product(tx, {**fields, "scheme": Scheme.DATE_REVISION})
        person = await people.add_person(tx, "Lead", Role.LEAD, None)
        actor = Actor(person.id, person.name, Role.ADMINISTRATOR)  # who may publish what never saw the gate
        return actor, [await _approved(tx, actor, product, rule) for rule in RULES]


async def _publish(bench: Bench, actor: Actor, product: str, ready: list[Change]) -> str:
    built = [Built(change.id, 1, is_included=True) for change in ready]
    try:
        async with bench.database.transaction() as tx:
            await publish(tx, actor, Publication(product, "20261122.1", 1, Ruleset(RULES), built))
    except Problem as problem:
        return problem.code
    return "done"


async def _withdraw(bench: Bench, actor: Actor, change: Change, pause: float) -> str:
    await asyncio.sleep(pause)
    try:
        async with bench.database.transaction() as tx:
            await changes.withdraw(tx, actor, change.id, change.revision, "not now")
    except Problem as problem:
        return problem.code
    return "done"


def test_publishing_and_withdrawing_the_same_changes_at_once_never_deadlocks(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        for round_number in range(30):
            product = f"contested-{round_number}"
            actor, ready = await _prepare(bench, product)
            ready.sort(key=lambda change: change.id)
            withdrawals = [_withdraw(bench, actor, change, round_number / 1000) for change in ready[3:]]
            published, *withdrawn = await asyncio.gather(_publish(bench, actor, product, ready), *withdrawals)
            if published == "done":
                assert set(withdrawn) == {"state_forbids"}
            else:
                assert published in {"change_unknown", "state_forbids"}
                assert "done" in withdrawn

    at(addresses.database_url, work)
