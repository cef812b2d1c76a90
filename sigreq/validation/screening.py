"""The automatic look at a claim: does the claimed version show the fault, and does the newest still?"""

from dataclasses import dataclass
from datetime import timedelta

from sigreq.blobs import BlobMissing
from sigreq.domain.advice import steps
from sigreq.domain.clock import Happening
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind, PremiumStep, SampleFacts
from sigreq.domain.verdict import Determination, Finding, Resolution, ScanResult, Verdict, conclude
from sigreq.scanning.stored import Results, Rulesets, StoredSamples
from sigreq.store import clocks, contracts, jobs, releases, samples, submissions
from sigreq.store.jobs import Lease
from sigreq.store.moves import Move, move_submission
from sigreq.tables.releases import Product, Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing


@dataclass(frozen=True)
class _Case:
    """What one short transaction read."""

    submission: Submission
    product: Product
    files: list[SampleFacts]
    claimed: Release | None
    newest: Release | None


@dataclass(frozen=True)
class Screening:
    """Screens submissions: no transaction is open while samples are fetched and scanned."""

    database: Database
    rulesets: Rulesets
    stored: StoredSamples
    lease: timedelta

    async def screen(self, lease: Lease) -> Finish:
        """Scan with the rules of the claimed and of the newest version, then queue or answer at once."""
        async with self.database.transaction() as tx:
            await jobs.renew(tx, lease, self.lease)
            case = await _begin(tx, lease.args["submission_id"])
        if case is None:
            return nothing
        claimed = await self._scan(case, case.claimed)
        is_same = case.claimed is not None and case.newest is not None and case.claimed.version == case.newest.version
        newest = claimed if is_same else await self._scan(case, case.newest)

        async def finish(tx: Transaction) -> None:
            await _conclude(tx, case, claimed, newest)

        return finish

    async def _scan(self, case: _Case, release: Release | None) -> Results:
        ruleset = await self._rules(release)
        if ruleset is None:
            return [(facts, ScanResult.not_scanned("no_ruleset")) for facts in case.files]
        of = case.submission
        found = await self.stored.scan(of.organisation_id, case.files, {"it": ruleset}, of.archive_password)
        return found["it"]

    async def _rules(self, release: Release | None) -> Ruleset | None:
        if release is None:
            return None
        try:
            return await self.rulesets.load(release.ruleset_digest)
        except BlobMissing:
            return None


async def give_up(tx: Transaction, lease: Lease, told: str) -> None:
    """Screening failed too often: an analyst gets the case, marked as not scanned."""
    submission = await submissions.get(tx, lease.args["submission_id"])
    if submission.state is State.RECEIVED:
        submission = await move_submission(tx, submission.id, Move(Event.SCREENING_STARTED))
    if submission.state is State.SCREENING:
        values = {"finding": Finding.NOT_SCANNED, "needs_attention": "screening_failed"}
        data = {"finding": Finding.NOT_SCANNED}
        await move_submission(tx, submission.id, Move(Event.SCREENED, values=values, data=data))
        await move_submission(tx, submission.id, Move(Event.ATTENTION_RAISED, data={"reason": told[:500]}))


async def _begin(tx: Transaction, submission_id: str) -> _Case | None:
    submission = await submissions.get(tx, submission_id)
    if submission.state is State.RECEIVED:
        submission = await move_submission(tx, submission_id, Move(Event.SCREENING_STARTED))
    if submission.state is not State.SCREENING:
        return None
    product = await releases.product_of(tx, submission)
    claimed = await releases.published(tx, submission.product_id, submission.database_version)
    newest = await releases.newest(tx, submission.product_id)
    return _Case(submission, product, await submissions.samples(tx, submission), claimed, newest)


async def _conclude(tx: Transaction, case: _Case, claimed: Results, newest: Results) -> None:
    of = case.submission
    _record(tx, of, "claimed", of.database_version, case.claimed, claimed)
    if newest is not claimed and case.newest is not None:
        _record(tx, of, "newest", case.newest.version, case.newest, newest)
    finding = conclude(of.kind, [result for _, result in claimed], [result for _, result in newest])
    if finding is Finding.ALREADY_FIXED and case.newest is not None:
        await _answer_at_once(tx, case, case.newest)
        return
    data = {"finding": finding, "scans": samples.scan_summary(newest)}
    await move_submission(tx, of.id, Move(Event.SCREENED, values={"finding": finding}, data=data))


async def _answer_at_once(tx: Transaction, case: _Case, newest: Release) -> None:
    is_fp = case.submission.kind is Kind.FALSE_POSITIVE
    determination = Determination.ALREADY_FIXED if is_fp else Determination.ALREADY_DETECTED
    submission = await submissions.lock(tx, case.submission.id)
    clocked = await clocks.values_after(tx, submission, Happening(Event.ANSWERED_AUTOMATICALLY, tx.at))
    values = {
        **clocked,
        "finding": Finding.ALREADY_FIXED,
        "determination": determination,
        "final_verdict": Verdict.CLEAN if is_fp else Verdict.MALWARE,
        "resolution": Resolution.NO_CHANGE,
        "fixed_in": newest.version,
        "closed_at": tx.at,
    }
    data = {
        "determination": determination,
        "fixed_in": newest.version,
        "steps": steps(case.product.update_instructions, case.submission.kind),
    }
    moved = await move_submission(tx, submission.id, Move(Event.ANSWERED_AUTOMATICALLY, values=values, data=data))
    await contracts.settle(tx, moved, PremiumStep.RELEASED)


def _record(
    tx: Transaction, of: Submission, purpose: str, version: str, release: Release | None, found: Results
) -> None:
    digest = release.ruleset_digest if release else None
    samples.record_scans(tx, of.id, purpose, version, digest, found)
