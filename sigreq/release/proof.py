"""The proof: the published version on the customer's own sample, before anybody says `fixed`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sigreq.blobs import Blobs
from sigreq.domain.advice import steps
from sigreq.domain.changes import RESOLUTIONS, ChangeKind
from sigreq.domain.examination import File
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.domain.verdict import ScanResult, is_proved
from sigreq.scanning import bundled
from sigreq.scanning.published import Rulesets
from sigreq.scanning.replies import ENGINE
from sigreq.scanning.stored import Order, StoredSamples
from sigreq.store import files, jobs, releases, scans, solved, submissions
from sigreq.store.jobs import Lease
from sigreq.store.moves import Move, move_submission
from sigreq.store.scans import Round
from sigreq.tables.releases import Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing

Results = Sequence[tuple[File, ScanResult]]


@dataclass(frozen=True)
class _Published:
    submission: Submission
    files: list[File]
    release: Release


@dataclass(frozen=True)
class Proof:
    """Re-scans submissions with a published version's rules, read back from the bundle store."""

    database: Database
    bundles: Blobs
    rulesets: Rulesets
    stored: StoredSamples
    claim: timedelta
    lease: timedelta

    async def prove(self, lease: Lease) -> Finish:
        """Scan every sample; all must be right before the submission is `fixed`."""
        async with self.database.transaction() as tx:
            await jobs.renew(tx, lease, self.lease)
            found = await _read(tx, lease)
        if found is None:
            return nothing
        of = found.submission
        ruleset = await self._published(found.release)
        order = Order(of.organisation_id, found.files, [ruleset], submissions.passwords(of))
        examination = await self.stored.examine(order)
        sent = examination.of_sent(ruleset.digest)

        async def finish(tx: Transaction) -> None:
            proved = await submissions.hold_published_changes(tx, of.id)
            if not proved:
                return  # the version was gone back from: what it fixed is not out any more
            await files.keep_examination(tx, of, found.files, examination)
            of_round = Round(of, "proof", found.release.version, found.release.ruleset_digest)
            await scans.record(tx, of_round, examination.results[ruleset.digest])
            if is_proved(examination.shown(of.kind, ruleset.digest)):
                await _fixed(tx, found, sent, proved[-1].kind)
            else:
                await _failed(tx, found, sent, self.claim)

        return finish

    async def _published(self, release: Release) -> Ruleset:
        """What customers get: every bundle is fetched and checked, and the rules are read from that of YARA.

        A version of before there were bundles, or one without YARA's, is read as it was handed in.
        """
        rules = None
        for target, bundle in bundled.described(release.bundles).items():
            content = await bundled.fetched(self.bundles, bundle)
            files = bundled.read(content, release.product_id, release.version, release.ruleset_digest)
            rules = bundled.rules_of(files) if target is Target.YARA else rules
        return rules or await self.rulesets.load(release.ruleset_digest)


async def give_up(tx: Transaction, lease: Lease, told: str) -> None:
    """The proof could not be made: somebody has to look, and nothing is called fixed."""
    data = {"reason": f"the proof of {lease.args['version']} could not be made: {told[:300]}"}
    values = {"needs_attention": "proof_failed"}
    await move_submission(tx, lease.args["submission_id"], Move(Event.ATTENTION_RAISED, values=values, data=data))


async def _read(tx: Transaction, lease: Lease) -> _Published | None:
    submission = await submissions.get(tx, lease.args["submission_id"])
    if submission.state is not State.DETERMINED:
        return None
    release = await releases.release(tx, submission.product_id, lease.args["version"])
    if release.withdrawn_at is not None:
        return None  # its changes wait for the next version, which brings the proof
    return _Published(submission, await files.of(tx, submission), release)


async def _fixed(tx: Transaction, found: _Published, results: Results, by: ChangeKind) -> None:
    of = found.submission
    product = await releases.product_of(tx, of)
    values = {
        "fixed_in": found.release.version,
        "fixed_at": tx.at,
        "solved_number": await solved.next_number(tx),
        "resolution": RESOLUTIONS[by],
        "needs_attention": None,
    }
    data = {
        "fixed_in": found.release.version,
        "proof": scans.summary(results),
        "evidence": {
            "version": found.release.version,
            "ruleset_sha256": found.release.ruleset_digest,
            "bundles": found.release.bundles,
            "engine": ENGINE,
            "scanned_at": tx.at.isoformat(),
        },
        "steps": steps(product.update_instructions, of.kind),
    }
    await move_submission(tx, of.id, Move(Event.FIXED, values=values, data=data))


async def _failed(tx: Transaction, found: _Published, results: Results, claim: timedelta) -> None:
    of = found.submission
    values = {"needs_attention": "proof_failed", "claim_expires_at": tx.at + claim}
    data = {"version": found.release.version, "proof": scans.summary(results)}
    await move_submission(tx, of.id, Move(Event.PROOF_FAILED, values=values, data=data))
