"""The gate: what a change must show before anybody may approve it. What could not be tested did not pass."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sigreq.domain.changes import Content, RuleContent, Unfit, apply
from sigreq.domain.lifecycle import ChangeEvent, ChangeState
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind, SampleFacts
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.scanner import Scanner
from sigreq.scanning.stored import Rulesets, StoredSamples
from sigreq.store import changes, jobs, releases, submissions
from sigreq.store.jobs import Lease
from sigreq.store.moves import Move, move_change
from sigreq.store.samples import record_scans
from sigreq.tables.releases import Change, Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing


@dataclass(frozen=True)
class _Candidate:
    change: Change
    content: Content
    base: Release | None
    cases: list[tuple[Submission, list[SampleFacts]]]


@dataclass(frozen=True)
class Gate:
    """Tests changes against the newest published rules and the requesters' own samples."""

    database: Database
    rulesets: Rulesets
    stored: StoredSamples
    scanner: Scanner
    lease: timedelta

    async def test(self, lease: Lease) -> Finish:
        """Build the candidate, lint it, scan the samples with it, and record the report."""
        async with self.database.transaction() as tx:
            await jobs.renew(tx, lease, self.lease)
            found = await _read(tx, lease)
        if found is None:
            return nothing
        problems, candidate = await self._build(found)
        scans: list[tuple[Submission, SampleFacts, ScanResult]] = []
        if candidate is not None and not problems:
            scans = await self._scan(found, candidate)
            problems = [told for of, facts, result in scans for told in _judge(found.content, of, facts, result)]

        async def finish(tx: Transaction) -> None:
            for of, facts, result in scans:
                base = found.base.version if found.base else "nothing"
                digest = candidate.digest if candidate else None
                record_scans(tx, of.id, "gate", f"{base}+{found.change.id}", digest, [(facts, result)])
            await _record(tx, found, problems, len(scans))

        return finish

    async def _build(self, found: _Candidate) -> tuple[list[str], Ruleset | None]:
        if found.base is None:
            return ["no database version is published yet; there is nothing to change"], None
        base = await self.rulesets.load(found.base.ruleset_digest)
        try:
            candidate = apply(found.change.kind, found.content, base)
        except Unfit as unfit:
            return [str(unfit)], None
        problems: list[str] = []
        if isinstance(found.content, RuleContent):
            problems += await self.scanner.lint(found.content.rule, found.content.source)
        return problems, candidate

    async def _scan(self, found: _Candidate, candidate: Ruleset) -> list[tuple[Submission, SampleFacts, ScanResult]]:
        scans = []
        for of, files in found.cases:
            results = await self.stored.scan(of.organisation_id, files, {"it": candidate}, of.archive_password)
            scans += [(of, facts, result) for facts, result in results["it"]]
        return scans


async def give_up(tx: Transaction, lease: Lease, told: str) -> None:
    """A gate that could not run is a failure."""
    found = await _read(tx, lease)
    if found is not None:
        await _record(tx, found, [f"the gate could not run: {told[:300]}"], 0)


def _judge(content: Content, of: Submission, facts: SampleFacts, result: ScanResult) -> list[str]:
    if result.outcome is Outcome.NOT_SCANNED:
        return [f"{of.id}: sample {facts.sha256} could not be scanned ({result.reason})"]
    if of.kind is Kind.FALSE_POSITIVE and result.outcome is Outcome.DETECTED:
        return [f"{of.id}: sample {facts.sha256} is still detected by {', '.join(result.detections)}"]
    if of.kind is Kind.FALSE_NEGATIVE and isinstance(content, RuleContent) and content.rule not in result.detections:
        return [f"{of.id}: sample {facts.sha256} is not detected by {content.rule}"]
    return []


async def _read(tx: Transaction, lease: Lease) -> _Candidate | None:
    change = await changes.get(tx, lease.args["change_id"])
    if change.state is not ChangeState.TESTING or change.revision != lease.args["revision"]:
        return None
    content = await changes.content(tx, change)
    base = await releases.newest(tx, change.product_id)
    cases = [(each, await submissions.samples(tx, each)) for each in await submissions.helped_by(tx, change.id)]
    return _Candidate(change, content, base, cases)


async def _record(tx: Transaction, found: _Candidate, problems: list[str], scanned: int) -> None:
    base = found.base.version if found.base else None
    report: dict[str, Any] = {
        "rev": found.change.rev,
        "base": base,
        "is_passed": not problems,
        "problems": problems,
        "samples_scanned": scanned,
    }
    event = ChangeEvent.TEST_FAILED if problems else ChangeEvent.TEST_PASSED
    values = {"report": report, "tested_against": None if problems else base}
    await move_change(tx, found.change.id, Move(event, None, found.change.revision, None, values, report))
