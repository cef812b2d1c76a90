"""The gate: what a change must show before anybody may approve it. What could not be tested did not pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sigreq.domain.changes import AddedRule, Content, Unfit
from sigreq.domain.examination import Examination, File
from sigreq.domain.lifecycle import ChangeEvent, ChangeState
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind
from sigreq.domain.targets import Target
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning.published import Rulesets
from sigreq.scanning.scanner import Scanner
from sigreq.scanning.stored import Order, StoredSamples
from sigreq.store import changes, files, jobs, releases, scans, submissions
from sigreq.store.jobs import Lease
from sigreq.store.moves import Move, move_change
from sigreq.store.scans import Round
from sigreq.tables.releases import Change, Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing


@dataclass(frozen=True)
class _Candidate:
    change: Change
    content: Content
    base: Release | None
    cases: list[tuple[Submission, list[File]]]


@dataclass(frozen=True)
class _Scanned:
    """One file that was sent, with all it holds, and with the rules as they are and as they would be."""

    of: Submission
    file: File
    after: ScanResult
    showed_before: bool | None


@dataclass(frozen=True)
class _Examined:
    """What was found in the files of one case."""

    of: Submission
    files: list[File]
    found: Examination


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
        problems, base, candidate = await self._build(found)
        examined: list[_Examined] = []
        if base is not None and candidate is not None and not problems:
            examined = await self._examine(found, base, candidate)
            scanned = [each for case in examined for each in _scanned(case, base, candidate)]
            problems = [told for each in scanned for told in _judge(found.content, each)] + _unseen(scanned)

        async def finish(tx: Transaction) -> None:
            for case in examined:
                await _keep(tx, found, case, candidate)
            await _record(tx, found, problems, sum(len(case.found.files) for case in examined))

        return finish

    async def _build(self, found: _Candidate) -> tuple[list[str], Ruleset | None, Ruleset | None]:
        if found.base is None:
            return ["no database version is published yet; there is nothing to change"], None, None
        base = await self.rulesets.load(found.base.ruleset_digest)
        try:
            candidate = found.content.apply(base)
        except Unfit as unfit:
            return [str(unfit)], base, None
        problems: list[str] = []
        if isinstance(found.content, AddedRule):
            said = await self.scanner.lint(found.content.rule, found.content.source, [Target.YARA])
            problems += [str(each) for each in said if not each.is_warning]
        return problems, base, candidate

    async def _examine(self, found: _Candidate, base: Ruleset, candidate: Ruleset) -> list[_Examined]:
        examined = []
        for of, own in found.cases:
            order = Order(of.organisation_id, own, [base, candidate], submissions.passwords(of))
            examined.append(_Examined(of, own, await self.stored.examine(order)))
        return examined


async def give_up(tx: Transaction, lease: Lease, told: str) -> None:
    """A gate that could not run is a failure."""
    found = await _read(tx, lease)
    if found is not None:
        await _record(tx, found, [f"the gate could not run: {told[:300]}"], 0)


def _scanned(case: _Examined, base: Ruleset, candidate: Ruleset) -> Iterator[_Scanned]:
    before = case.found.shown(case.of.kind, base.digest)
    for (file, after), showed in zip(case.found.of_sent(candidate.digest), before, strict=True):
        yield _Scanned(case.of, file, after, showed)


async def _keep(tx: Transaction, found: _Candidate, case: _Examined, candidate: Ruleset | None) -> None:
    """What was scanned with the candidate's rules, and what was found in files that nobody had looked into."""
    assert found.base is not None and candidate is not None  # noqa: S101, PT018 - else nothing was examined
    await files.keep_examination(tx, case.of, case.files, case.found)
    version = f"{found.base.version}+{found.change.id}"
    await scans.record(tx, Round(case.of, "gate", version, candidate.digest), case.found.results[candidate.digest])


def _judge(content: Content, scanned: _Scanned) -> list[str]:
    facts = scanned.file.facts
    result, about = scanned.after, f"{scanned.of.id}: sample {facts.sha256 if facts else scanned.file.name}"
    if result.outcome is Outcome.NOT_SCANNED:
        return [f"{about} could not be scanned ({result.reason})"]
    if scanned.of.kind is Kind.FALSE_POSITIVE and result.outcome is Outcome.DETECTED:
        return [f"{about} is still detected by {', '.join(result.detections)}"]
    is_fn = scanned.of.kind is Kind.FALSE_NEGATIVE
    if is_fn and isinstance(content, AddedRule) and content.rule not in result.detections:
        return [f"{about} is not detected by {content.rule}"]
    return []


def _unseen(scans: Sequence[_Scanned]) -> list[str]:
    """Cases whose fault the published rules do not show: what was never seen cannot be shown to be gone."""
    shown = {each.of.id for each in scans if each.showed_before}
    missing = dict.fromkeys(each.of.id for each in scans if each.of.id not in shown)
    return [f"{each}: the published rules do not show this fault, so no change of them can mend it" for each in missing]


async def _read(tx: Transaction, lease: Lease) -> _Candidate | None:
    change = await changes.get(tx, lease.args["change_id"])
    if change.state is not ChangeState.TESTING or change.revision != lease.args["revision"]:
        return None
    content = await changes.content(tx, change)
    base = await releases.newest(tx, change.product_id)
    cases = [(each, await files.of(tx, each)) for each in await submissions.helped_by(tx, change.id)]
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
