"""The proof: the published version on the customer's own sample, before anybody says `fixed`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sigreq.blobs import Blobs, sample_key
from sigreq.domain import bundles
from sigreq.domain.advice import steps
from sigreq.domain.changes import RESOLUTIONS, ChangeKind
from sigreq.domain.examination import Examination, File, overall, shown
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.statements import FixedCase, Scanned
from sigreq.domain.submission import Kind
from sigreq.domain.targets import Target
from sigreq.domain.two_engines import of_each_itself
from sigreq.domain.verdict import ScanResult, is_proved
from sigreq.release.engines import MISSING, Engines, with_allowed
from sigreq.scanning import bundled
from sigreq.scanning.clamav_grounds import Bundle
from sigreq.scanning.fetching import Content
from sigreq.scanning.published import Rulesets
from sigreq.scanning.replies import ENGINE
from sigreq.scanning.stored import Order, StoredSamples
from sigreq.store import files, jobs, locks, proofs, releases, scans, solved, submissions
from sigreq.store.jobs import Lease
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, move_submission
from sigreq.store.scans import Round
from sigreq.tables.releases import Change, Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.trust.evidence import attest, bundles_of
from sigreq.trust.keyring import Keyring
from sigreq.work import Finish, GaveUp, TryAgain, nothing

Results = Sequence[tuple[File, ScanResult]]


@dataclass(frozen=True)
class _Published:
    """What one short transaction read. `releases` are the version to prove, and the newest if that has other rules."""

    submission: Submission
    files: list[File]
    releases: Sequence[Release]
    targets: Sequence[str]


@dataclass(frozen=True)
class _ByClamAv:
    """What ClamAV says of the files, and with which bundle."""

    files: Sequence[File]
    results: Mapping[str, ScanResult]
    kind: Kind
    engine: str
    bundle_sha256: str

    @property
    def is_right(self) -> bool | None:
        return is_proved(list(shown(self.kind, self.files, self.results).values()))

    def document(self) -> dict[str, Any]:
        """What is told of it."""
        found = overall(self.files, self.results)
        sent = [(file, found[file.position]) for file in self.files if file.parent is None]
        return {"engine": self.engine, "bundle_sha256": self.bundle_sha256, "proof": scans.summary(sent)}


@dataclass(frozen=True)
class _Tried:
    """What came of one version. `sent` are the files that were sent, each with what its members show."""

    release: Release
    results: Mapping[str, ScanResult]
    sent: Results
    by_yara: bool | None
    clamav: _ByClamAv | None

    @property
    def is_right(self) -> bool:
        return bool(self.by_yara and (self.clamav is None or self.clamav.is_right))


@dataclass(frozen=True)
class Proof:
    """Re-scans submissions with a published version's rules, read back from the bundle store."""

    database: Database
    bundles: Blobs
    rulesets: Rulesets
    stored: StoredSamples
    engines: Engines
    keyring: Keyring
    claim: timedelta
    lease: timedelta

    async def prove(self, lease: Lease) -> Finish:
        """Scan every sample; all must be right before the submission is `fixed`, also with the newest version.

        The guard tries a new version on what is fixed by then: nobody else would try the newest on this case.
        """
        async with self.database.transaction() as tx:
            await jobs.renew(tx, lease, self.lease)
            found = await _read(tx, lease)
        if found is None:
            return nothing
        of = found.submission
        examination, tried = await self._try(found)
        first = tried[0]

        async def finish(tx: Transaction) -> None:
            proved = await hold_fix(tx, of.id, first.release.version)
            if not proved:
                return  # the next version that holds all of it brings the proof
            await hold_newest(tx, tried[-1].release)
            await proofs.lay_aside(tx, of.id, proofs.OUT)  # tried on the case now, whatever comes of it
            await files.keep_examination(tx, of, found.files, examination)
            for each in tried:
                of_round = Round(of, "proof", each.release.version, each.release.ruleset_digest)
                await scans.record(tx, of_round, each.results)
            wrong = next((each for each in tried if not each.is_right), None)
            if wrong is None:
                await _fixed(tx, of, first, proved[-1].kind)
                await attest(tx, self.keyring, await _case(tx, of, first))
            else:
                await _failed(tx, of, wrong, self.claim)

        return finish

    async def _try(self, found: _Published) -> tuple[Examination, list[_Tried]]:
        """Every file with each version."""
        of = found.submission
        published = [await self._published(each) for each in found.releases]
        rulesets = [ruleset for ruleset, _ in published]
        examination = await self.stored.examine(
            Order(of.organisation_id, found.files, rulesets, submissions.passwords(of))
        )
        tried = []
        for release, (ruleset, bundle) in zip(found.releases, published, strict=True):
            results, sent = examination.results[ruleset.digest], examination.of_sent(ruleset.digest)
            by_yara = is_proved(examination.shown(of.kind, ruleset.digest))
            clamav = await self._by_clamav(found, release, ruleset, bundle, examination)
            tried.append(_Tried(release, results, sent, by_yara, clamav))
        return examination, tried

    async def _published(self, release: Release) -> tuple[Ruleset, bytes | None]:
        """What customers get: every bundle is fetched and checked; the rules of that for YARA, and that for ClamAV.

        A version of before there were bundles, or one without YARA's, is read as it was handed in.
        """
        rules, for_clamav = None, None
        for target, bundle in bundled.described(release.bundles).items():
            content = await bundled.fetched(self.bundles, bundle)
            files = bundled.read(content, release.product_id, release.version, release.ruleset_digest)
            rules = bundled.rules_of(files) if target is Target.YARA else rules
            for_clamav = content if target is Target.CLAMAV else for_clamav
        return rules or await self.rulesets.load(release.ruleset_digest), for_clamav

    async def _by_clamav(
        self, found: _Published, release: Release, ruleset: Ruleset, bundle: bytes | None, examination: Examination
    ) -> _ByClamAv | None:
        """What ClamAV says, for products that it loads the signatures of. Raises GaveUp where it is missing."""
        if Target.CLAMAV not in found.targets:
            return None
        clamav, of = self.engines.clamav, found.submission
        if clamav is None:
            raise GaveUp(MISSING)
        if bundle is None:  # ClamAV became a target after this version was published
            whole = await self.rulesets.load(release.ruleset_digest)
            bundle = bundles.built(Target.CLAMAV, release.product_id, release.version, whole)
        sha256s = {file.facts.sha256 for file in examination.files if file.facts}
        contents = [
            Content(self.stored.samples, sample_key(of.organisation_id, sha256), sha256) for sha256 in sorted(sha256s)
        ]
        loaded = Bundle.published(bundles.read(bundle)[1], release.ruleset_digest)
        results = with_allowed(await self.engines.sweep.scan_by_clamav(contents, loaded, clamav), ruleset)
        results = of_each_itself(examination.files, results, examination.results[ruleset.digest])
        return _ByClamAv(examination.files, results, of.kind, clamav.engine, hashlib.sha256(bundle).hexdigest())


async def hold_fix(tx: Transaction, submission_id: str, version: str) -> Sequence[Change]:
    """The changes that a version fixed a case with, oldest first, as they are now: much can happen during a proof.

    None when the version was withdrawn, or gone back from, or when another change of the case is still to come. The
    version, the changes and the case stay as they are until the transaction ends; they are locked in the order of a
    withdrawal.
    """
    of = await submissions.get(tx, submission_id)
    release = await releases.hold(tx, of.product_id, version)
    if release is None or release.withdrawn_at is not None:
        return []
    held = await proofs.hold_published(tx, submission_id)
    case = await submissions.lock(tx, submission_id)
    # Another may have been drafted or come out meanwhile, or somebody works on the case again: it is proved after that.
    return held if version == await proofs.complete_in(tx, case) else []


async def hold_newest(tx: Transaction, tried: Release) -> None:
    """Let those pass who have tried the newest live version, or one with the same rules.

    The case must be locked. A later version's guard is planned after this transaction, and knows of the case. Raises
    TryAgain.
    """
    await locks.hold(tx, Lock.SOLVED)
    newest = await releases.newest(tx, tried.product_id)
    if newest is None or newest.ruleset_digest != tried.ruleset_digest:
        raise TryAgain(timedelta(0), "another version is the newest by now")


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
    newest = await releases.newest(tx, submission.product_id) or release
    tried = [release] if newest.ruleset_digest == release.ruleset_digest else [release, newest]
    targets = (await releases.product_of(tx, submission)).targets
    return _Published(submission, await files.of(tx, submission), tried, targets)


async def _fixed(tx: Transaction, of: Submission, tried: _Tried, by: ChangeKind) -> None:
    release = tried.release
    product = await releases.product_of(tx, of)
    values = {
        "fixed_in": release.version,
        "fixed_at": tx.at,
        "solved_number": await solved.next_number(tx, of.product_id),
        "resolution": RESOLUTIONS[by],
        "needs_attention": None,
    }
    data = {
        "fixed_in": release.version,
        "proof": scans.summary(tried.sent),
        "evidence": {
            "version": release.version,
            "ruleset_sha256": release.ruleset_digest,
            "bundles": release.bundles,
            "engine": ENGINE,
            "scanned_at": tx.at.isoformat(),
            **({"clamav": tried.clamav.document()} if tried.clamav else {}),
        },
        "steps": steps(product.update_instructions, of.kind),
    }
    await move_submission(tx, of.id, Move(Event.FIXED, values=values, data=data))


async def _case(tx: Transaction, of: Submission, tried: _Tried) -> FixedCase:
    """What is signed about it: the files that were scanned."""
    release = tried.release
    return FixedCase(
        submission=of.id,
        kind=of.kind,
        product=release.product_id,
        version=release.version,
        ruleset_sha256=release.ruleset_digest,
        bundles=await bundles_of(tx, release.product_id, release.version),
        engine=ENGINE,
        scanned_at=tx.at,
        files=[
            Scanned(file.name, file.facts.sha256, result.outcome, result.detections)
            for file, result in tried.sent
            if file.facts is not None
        ],
    )


async def _failed(tx: Transaction, of: Submission, tried: _Tried, claim: timedelta) -> None:
    values = {"needs_attention": "proof_failed", "claim_expires_at": tx.at + claim}
    data: dict[str, Any] = {"version": tried.release.version, "proof": scans.summary(tried.sent)}
    if tried.clamav is not None:
        data["clamav"] = tried.clamav.document()
    await move_submission(tx, of.id, Move(Event.PROOF_FAILED, values=values, data=data))
