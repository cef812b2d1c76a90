"""One part of a run of the gate: its samples are scanned, and what they say against the candidate is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

from sigreq.blobs import Blobs, corpus_key, sample_key
from sigreq.domain.changes import touched
from sigreq.domain.examination import Examination, File
from sigreq.domain.findings import CLAMAV, YARA, Findings, Trouble, by_engine
from sigreq.domain.gating import (
    Case,
    PartKind,
    Purpose,
    Results,
    RunState,
    expected_names,
    judge_clean,
    judge_fault,
    judge_requested,
    judge_solved,
    narrowed,
    with_candidate,
)
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.ruleset import Ruleset
from sigreq.release import gate_end
from sigreq.release.engines import Engines, Swept
from sigreq.scanning.fetching import Content
from sigreq.scanning.published import Rulesets
from sigreq.scanning.stored import Order, StoredSamples
from sigreq.store import changes, files, gates, jobs, releases, scans, submissions
from sigreq.store.jobs import Lease
from sigreq.store.scans import Round
from sigreq.tables.gates import GatePart, GateRun
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing


@dataclass(frozen=True)
class _Loaded:
    """A case as one short transaction read it. `wanted` and `excused` are names, as `judge_requested` takes them."""

    submission: Submission
    files: list[File]
    known: Mapping[tuple[str, str], scans.Known]
    wanted: frozenset[str]
    excused: frozenset[str]

    def case(self, examined: Sequence[File] | None = None) -> Case:
        """As the rules read it."""
        return Case(self.submission.id, self.submission.kind, examined or self.files)


@dataclass(frozen=True)
class _Share:
    """What is to be done in one part."""

    run: GateRun
    kind: PartKind
    items: list[Any]
    base_digest: str | None
    cases: list[_Loaded]

    def sizes(self) -> list[int]:
        """Of the files that are looked at."""
        if self.kind is PartKind.CLEAN:
            return [size for _, size in self.items]
        return [file.facts.size for each in self.cases for file in each.files if file.facts]


@dataclass(frozen=True)
class PartScanner:
    """Does the parts of runs, in whichever worker."""

    database: Database
    rulesets: Rulesets
    stored: StoredSamples
    engines: Engines
    corpus: Blobs
    lease: timedelta

    async def scan(self, lease: Lease) -> Finish:
        """Scan what the part names; who finishes the last part ends the run."""
        async with self.database.transaction() as tx:
            await jobs.renew(tx, lease, self.lease)
            share = await _read(tx, lease)
        if share is None:
            return nothing
        started = monotonic()
        found, keep = await self._found(share)
        findings = found.over(len(share.cases), share.sizes(), monotonic() - started)

        async def finish(tx: Transaction) -> None:
            for each in keep:
                await each.write(tx)
            await gate_end.finish_part(tx, share.run.id, lease.args["number"], findings)

        return finish

    async def _found(self, share: _Share) -> "tuple[Findings, list[_Keep]]":
        match share.kind:
            case PartKind.REQUESTED:
                return await self._requested(share)
            case PartKind.CLEAN:
                return await self._clean(share), []
            case PartKind.EARLIER:
                return await self._solved(share, await self._ruleset(share.run.scanned_digest)), []
            case PartKind.KEPT:
                return await self._solved(share, await self._ruleset(share.run.ruleset_digest)), []

    async def _requested(self, share: _Share) -> "tuple[Findings, list[_Keep]]":
        """The requesters' files are looked into, if nobody has yet, and scanned with the rules of before as well."""
        candidate = await self._ruleset(share.run.ruleset_digest)
        scanned = await self._ruleset(share.run.scanned_digest)
        base = None if share.base_digest is None else await self._ruleset(share.base_digest)
        findings, keep = Findings(), []
        for each in share.cases:
            known = {key: known.result for key, known in each.known.items()}
            rulesets = [ruleset for ruleset in (base, scanned) if ruleset is not None]
            of = each.submission
            order = Order(of.organisation_id, each.files, rulesets, submissions.passwords(of), known=known)
            examined = await self.stored.examine(order)
            results = _with_candidate(examined, base, scanned, candidate)
            case = each.case(examined.files)
            troubles = judge_requested(case, results, each.wanted, each.excused)
            if base is not None:
                troubles += judge_fault(of.id, examined.shown(of.kind, base.digest))
            findings = findings.plus(by_engine(YARA, troubles))
            findings = findings.plus(await self._requested_of_clamav(share.run, each, case, scanned))
            keep.append(_Keep(share.run, each, examined, candidate.digest, results))
        return findings, keep

    async def _requested_of_clamav(self, run: GateRun, loaded: _Loaded, case: Case, scanned: Ruleset) -> list[Trouble]:
        """New signatures alone: that what was there before detects nothing more, YARA has said."""
        contents = self._contents(loaded.submission, case.files)
        swept = await self.engines.scan_by_clamav(run, contents, scanned)
        if swept.by_clamav is None:
            return list(swept.troubles)
        return by_engine(CLAMAV, judge_requested(case, swept.by_clamav, loaded.wanted, loaded.excused))

    def _contents(self, of: Submission, its_files: Sequence[File]) -> list[Content]:
        samples = self.stored.samples
        sha256s = dict.fromkeys(file.facts.sha256 for file in its_files if file.facts)
        return [Content(samples, sample_key(of.organisation_id, sha256), sha256) for sha256 in sha256s]

    async def _solved(self, share: _Share, ruleset: Ruleset) -> Findings:
        """Whether an earlier detection is kept is asked of YARA alone: not each old rule has to be one for ClamAV."""
        contents = [content for each in share.cases for content in self._contents(each.submission, each.files)]
        is_kept = share.kind is PartKind.KEPT
        if is_kept:
            swept = Swept(share.run, await self.engines.sweep.scan(contents, ruleset))
        else:
            swept = await self.engines.scan(share.run, contents, ruleset)
        findings = Findings().plus(swept.troubles)
        for each in share.cases:
            case = each.case()
            _, why_not = judge_solved(case, swept.by_yara, is_kept=is_kept)
            judge = partial(_troubles_of_solved, case, is_kept=is_kept)
            findings = findings.plus(swept.judged(judge)).without_seeing(case.id, why_not)
        return findings

    async def _clean(self, share: _Share) -> Findings:
        ruleset = await self._ruleset(share.run.scanned_digest)
        contents = [Content(self.corpus, corpus_key(sha256), sha256) for sha256, _ in share.items]
        swept = await self.engines.scan(share.run, contents, ruleset)
        return Findings().plus(swept.troubles).plus(swept.judged(judge_clean))

    async def _ruleset(self, digest: str | None) -> Ruleset:
        assert digest is not None  # noqa: S101 - a run with parts has its rules
        return await self.rulesets.load(digest)


def _troubles_of_solved(case: Case, results: Results, *, is_kept: bool) -> list[Trouble]:
    return judge_solved(case, results, is_kept=is_kept)[0]


def _with_candidate(examined: Examination, base: Ruleset | None, scanned: Ruleset, candidate: Ruleset) -> Results:
    new = examined.results[scanned.digest]
    if base is None:
        return new
    before, gone = examined.results[base.digest], narrowed(base, candidate)
    return {sha256: with_candidate(before[sha256], new[sha256], gone) for sha256 in new}


@dataclass(frozen=True)
class _Keep:
    """What was scanned of a requester's files, and what was found in files that nobody had looked into."""

    run: GateRun
    loaded: _Loaded
    examined: Examination
    digest: str
    results: Results

    async def write(self, tx: Transaction) -> None:
        of = self.loaded.submission
        await files.keep_examination(tx, of, self.loaded.files, self.examined)
        version = f"{self.run.base_version}+{self.run.subject}"
        await scans.record(tx, Round(of, "gate", version, self.digest), self.results)


async def _read(tx: Transaction, lease: Lease) -> _Share | None:
    run = await gates.get(tx, lease.args["run_id"])
    part = await gates.part(tx, run.id, lease.args["number"])
    if run.state is not RunState.RUNNING or part.finished_at is not None:
        return None
    digest = None  # of the rules of before, which only a change is compared with
    if run.purpose is Purpose.CHANGE and run.base_version is not None:
        digest = (await releases.release(tx, run.product_id, run.base_version)).ruleset_digest
    return _Share(run, part.kind, part.items, digest, await _cases(tx, run, part, digest))


async def _cases(tx: Transaction, run: GateRun, part: GatePart, base_digest: str | None) -> list[_Loaded]:
    if part.kind is PartKind.CLEAN:
        return []
    found = await submissions.by_id(tx, part.items)
    cases = [found[each] for each in part.items]
    own = await files.of_many(tx, cases)
    if part.kind is not PartKind.REQUESTED:
        return [_Loaded(each, own[each.id], {}, frozenset(), frozenset()) for each in cases]
    return [await _requested(tx, run, base_digest, each, own[each.id]) for each in cases]


async def _requested(
    tx: Transaction, run: GateRun, base_digest: str | None, submission: Submission, own: list[File]
) -> _Loaded:
    sha256s = [file.facts.sha256 for file in own if file.facts]
    digests = [base_digest] if base_digest else []
    known = await scans.known(tx, submission.organisation_id, sha256s, digests)
    wanted, excused = await _names(tx, run, submission.id)
    return _Loaded(submission, own, known, wanted, excused)


async def _names(tx: Transaction, run: GateRun, submission_id: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names that the run's changes bring, and those that other changes of the case are about to silence."""
    wanted, excused = set[str](), set[str]()
    for change in await submissions.changes_of(tx, submission_id):
        content = await changes.content(tx, change)
        if change.id in run.changes:
            wanted |= expected_names(content)
        elif change.state not in {ChangeState.WITHDRAWN, ChangeState.PUBLISHED}:
            excused |= touched(content)
    return frozenset(wanted), frozenset(excused) if run.purpose is Purpose.CHANGE else frozenset()
