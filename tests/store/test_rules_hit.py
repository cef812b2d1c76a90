"""The queue by rule counts what the scans show, however it is kept."""

from random import Random
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from sigreq.domain.lifecycle import State
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.embedded.stack import Addresses
from sigreq.migrations.versions.m0017_which_rules_hit_a_case import KNOWN
from sigreq.store import rules_hit, scans
from sigreq.store.rules_hit import RuleGroup
from sigreq.store.scans import Round
from sigreq.tables.people import AnalystGroup
from sigreq.tables.submissions import RuleHit
from sigreq.transaction import Transaction
from tests.store.support import START, Bench, at, case_of, customer_of

CASES, RULES = 120, 12
PURPOSES = ("claimed", "newest", "gate", "proof", "first_fixed")
BY_SCANS = """
    SELECT hit.rule, count(DISTINCT submission.id) FILTER (WHERE state = 'queued'),
        count(DISTINCT submission.id) FILTER (WHERE state = 'in_analysis'), min(due_at)
    FROM submission JOIN scan ON submission_id = submission.id, jsonb_array_elements_text(detections) AS hit(rule)
    WHERE state IN ('queued', 'in_analysis') AND purpose IN ('claimed', 'newest')
        AND (group_id = ANY(cast(:of AS text[])) OR cast(:of AS text[]) IS NULL)
    GROUP BY hit.rule ORDER BY count(DISTINCT submission.id) DESC, hit.rule"""
CASES_BY_SCANS = """
    SELECT id FROM submission
    WHERE state IN ('queued', 'in_analysis') AND id IN (
        SELECT submission_id FROM scan WHERE detections ? :rule AND purpose IN ('claimed', 'newest'))
    ORDER BY due_at, id"""


async def _varied(bench: Bench, seeded: Random) -> None:
    """Cases in all states and two groups, each with files, rounds and repeated rounds that share rules or hit none."""
    somebody = await customer_of(bench, "rules-hit")
    async with bench.database.transaction() as tx:
        tx.session.add(AnalystGroup(id="others", title="Others"))
    for _ in range(CASES):
        bench.later(seeded.randrange(600))
        state = seeded.choice([State.QUEUED, State.QUEUED, State.IN_ANALYSIS, State.DETERMINED, State.CLOSED])
        times: dict[State, dict[str, Any]] = {
            State.IN_ANALYSIS: {"claim_expires_at": bench.now},
            State.CLOSED: {"closed_at": bench.now},
        }
        case = case_of(
            somebody,
            state=state,
            group_id=seeded.choice(["analysts", "others"]),
            due_at=START.replace(minute=seeded.randrange(60)),
            **times.get(state, {}),
        )
        async with bench.database.transaction() as tx:
            tx.session.add(case)
            await tx.session.flush()
            for _ in range(seeded.randrange(4)):
                purpose = seeded.choice(PURPOSES)
                results = {f"{n:064x}": _result(seeded) for n in range(seeded.randrange(1, 4))}
                await scans.record(tx, Round(case, purpose, "20261122.1", None), results)


def _result(seeded: Random) -> ScanResult:
    hit = tuple(f"Family.Name.{seeded.randrange(RULES)}" for _ in range(seeded.randrange(4)))
    return ScanResult(Outcome.DETECTED if hit else Outcome.CLEAN, hit)


async def _by_scans(tx: Transaction, of: list[str] | None) -> list[RuleGroup]:
    return [RuleGroup(*row) for row in await tx.session.execute(text(BY_SCANS), {"of": of})]


def test_what_is_kept_of_the_rules_is_what_the_scans_show(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        await _varied(bench, Random(41))  # noqa: S311 -- the same cases each time
        async with bench.database.transaction() as tx:
            for of in (None, ["analysts"], ["others"], ["analysts", "others"], []):
                assert await rules_hit.groups(tx, of, 1000) == await _by_scans(tx, of)
            everything = await rules_hit.groups(tx, None, 1000)
            assert len(everything) == RULES, "the cases are varied"
            assert await rules_hit.groups(tx, None, 3) == everything[:3]
            for each in everything:
                told = [row.id for row in await rules_hit.cases(tx, None, each.rule, 1000)]
                assert told == list(await tx.session.scalars(text(CASES_BY_SCANS), {"rule": each.rule}))
                assert len(told) == each.waiting + each.held
            kept = await tx.session.execute(select(col(RuleHit.submission_id), col(RuleHit.rule)))
            of_before = await tx.session.execute(text("SELECT" + KNOWN.partition("SELECT")[2]))
            assert {tuple(row) for row in kept} == {tuple(row) for row in of_before}, (
                "a migrated database has what a new one writes"
            )

    at(addresses.database_url, work)
