"""The automatic look at a claim: does the claimed version show the fault, and does the newest still?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sigreq.domain.errors import StateForbids
from sigreq.domain.examination import Examination, File, to_look_into_again
from sigreq.domain.faults import Fault
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.remarks import remarks
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import Finding, ScanResult, conclude
from sigreq.scanning.published import Rulesets
from sigreq.scanning.stored import Order, StoredSamples
from sigreq.store import files, releases, scans, submissions
from sigreq.store.jobs import Lease
from sigreq.store.moves import Move, move_submission
from sigreq.store.scans import Known, Round
from sigreq.tables.releases import Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.validation import known_answers
from sigreq.validation.known_answers import Answer, KnownAnswers
from sigreq.work import Finish, TryAgain, nothing


@dataclass(frozen=True)
class _Case:
    """What one short transaction read."""

    submission: Submission
    sent: list[File]
    files: list[File]
    claimed: Release | None
    newest: Release | None
    known: Mapping[tuple[str, str], Known]

    @property
    def is_current(self) -> bool:
        """Whether the claimed version is the newest."""
        return self.claimed is not None and self.newest is not None and self.claimed.version == self.newest.version


@dataclass(frozen=True)
class _Screened:
    """What was found out about a case."""

    examination: Examination
    claimed: Ruleset | None
    newest: Ruleset | None
    finding: Finding
    is_name_known: bool
    answer: Answer | None

    def results(self, ruleset: Ruleset | None) -> Mapping[str, ScanResult]:
        """By SHA-256; what could not be scanned for want of rules says so."""
        if ruleset is not None:
            return self.examination.results[ruleset.digest]
        none = ScanResult.not_scanned(Fault.NO_RULESET)
        return {file.facts.sha256: none for file in self.examination.files if file.facts}


@dataclass(frozen=True)
class Screening:
    """Screens submissions: no transaction is open while samples are fetched and scanned."""

    database: Database
    rulesets: Rulesets
    stored: StoredSamples

    async def screen(self, lease: Lease) -> Finish:
        """Scan with the rules of the claimed and of the newest version, then queue or answer at once."""
        async with self.database.transaction() as tx:
            case = await _begin(tx, lease.args["submission_id"])
        if case is None:
            return nothing
        screened = await self._screened(case)

        async def finish(tx: Transaction) -> None:
            await _conclude(tx, case, screened)

        return finish

    async def examine_again(self, lease: Lease) -> Finish:
        """Look once more into what could not be seen whole, with all passwords known by now."""
        async with self.database.transaction() as tx:
            case = await _begin_again(tx, lease.args["submission_id"])
        if case is None:
            return nothing
        screened = await self._screened(case)

        async def finish(tx: Transaction) -> None:
            await files.forget_members(tx, case.submission.id)
            await _tell(tx, case, screened, Event.EXAMINED_AGAIN)

        return finish

    async def _screened(self, case: _Case) -> _Screened:
        of = case.submission
        claimed, newest = await self._rules(case.claimed), await self._rules(case.newest)
        rulesets = {each.digest: each for each in (claimed, newest) if each is not None}
        known = {key: each.result for key, each in case.known.items() if key[1] in rulesets}
        order = Order(of.organisation_id, case.files, [*rulesets.values()], submissions.passwords(of), known)
        examination = await self.stored.examine(order)
        # Nearly always both are the same version.
        shown = {digest: examination.shown(of.kind, digest) for digest in rulesets}
        finding = conclude(*(shown[each.digest] if each else [] for each in (claimed, newest)))
        answers = KnownAnswers(self.database, self.rulesets, self.stored)
        is_name_known = await answers.is_ours(of.detection_name, [*rulesets.values()])
        answer = None
        # What another product detects is not mended by our newest version, whatever our own rules say.
        if finding is Finding.REFUTED and is_name_known and case.claimed is not None and case.newest is not None:
            answer = await answers.first_without(of, examination.files, case.claimed, case.newest)
        return _Screened(examination, claimed, newest, finding, is_name_known, answer)

    async def _rules(self, release: Release | None) -> Ruleset | None:
        return None if release is None else await self.rulesets.find(release.ruleset_digest)


async def give_up(tx: Transaction, lease: Lease, told: str) -> None:
    """Screening failed too often: an analyst gets the case, marked as not examined."""
    submission = await submissions.get(tx, lease.args["submission_id"])
    if submission.state is State.RECEIVED:
        submission = await move_submission(tx, submission.id, Move(Event.SCREENING_STARTED))
    if submission.state is State.SCREENING:
        values = {"finding": Finding.UNDECIDED, "needs_attention": "screening_failed"}
        data = {"finding": Finding.UNDECIDED}
        await move_submission(tx, submission.id, Move(Event.SCREENED, values=values, data=data))
        await move_submission(tx, submission.id, Move(Event.ATTENTION_RAISED, data={"reason": told[:500]}))


async def give_up_again(tx: Transaction, lease: Lease, told: str) -> None:
    """What was found before stays; somebody has to know that there was no other look."""
    data = {"reason": f"the files could not be examined again: {told[:300]}"}
    values = {"needs_attention": "examination_failed"}
    await move_submission(tx, lease.args["submission_id"], Move(Event.ATTENTION_RAISED, values=values, data=data))


async def _begin(tx: Transaction, submission_id: str) -> _Case | None:
    try:
        submission = await move_submission(tx, submission_id, Move(Event.SCREENING_STARTED))
    except StateForbids:  # begun before, or something else has happened
        submission = await submissions.get(tx, submission_id)
    if submission.state is not State.SCREENING:
        return None
    sent = await files.of(tx, submission)
    return await _case(tx, submission, sent, await files.with_known_trees(tx, submission.organisation_id, sent))


async def _begin_again(tx: Transaction, submission_id: str) -> _Case | None:
    submission = await submissions.get(tx, submission_id)
    if submission.state in {State.RECEIVED, State.SCREENING}:
        raise TryAgain(timedelta(seconds=1), "it is being screened")
    if submission.state is State.CLOSED:
        return None
    everything = await files.of(tx, submission)
    sent = [replace(file, faults=None) for file in everything if file.parent is None]
    return await _case(tx, submission, sent, to_look_into_again(everything))


async def _case(tx: Transaction, submission: Submission, sent: list[File], all_files: list[File]) -> _Case:
    claimed, newest = await releases.claimed_and_newest(tx, submission.product_id, submission.database_version)
    sha256s = [file.facts.sha256 for file in all_files if file.facts]
    digests = [each.ruleset_digest for each in (claimed, newest) if each is not None]
    known = await scans.known(tx, submission.organisation_id, sha256s, digests)
    return _Case(submission, sent, all_files, claimed, newest, known)


async def _conclude(tx: Transaction, case: _Case, screened: _Screened) -> None:
    if screened.answer is None:
        await _tell(tx, case, screened, Event.SCREENED)
    else:
        await known_answers.hold(tx, case.submission, screened.answer)
        await known_answers.give(tx, case.submission, screened.answer, await _keep(tx, case, screened))


async def _tell(tx: Transaction, case: _Case, screened: _Screened, event: Event) -> None:
    told = await _keep(tx, case, screened)
    values = {"finding": screened.finding, "remarks": told}
    data = {"finding": screened.finding, "files": _told(screened), "remarks": told}
    await move_submission(tx, case.submission.id, Move(event, values=values, data=data))


async def _keep(tx: Transaction, case: _Case, screened: _Screened) -> list[dict[str, Any]]:
    """Write what was found; what has to be remarked on it."""
    of, examination = case.submission, screened.examination
    await files.keep_examination(tx, of, case.sent, examination)
    await _record(tx, case, "claimed", of.database_version, screened.claimed, screened)
    if not case.is_current and case.newest is not None:
        await _record(tx, case, "newest", case.newest.version, screened.newest, screened)
    return remarks(
        examination, screened.results(screened.newest), of.detection_name, is_name_known=screened.is_name_known
    )


async def _record(
    tx: Transaction, case: _Case, purpose: str, version: str, ruleset: Ruleset | None, screened: _Screened
) -> None:
    digest = ruleset.digest if ruleset else None
    known = {sha256: each.scanned_at for (sha256, of), each in case.known.items() if of == digest}
    of = Round(case.submission, purpose, version, digest)
    await scans.record(tx, of, screened.results(ruleset), known)


def _told(screened: _Screened) -> list[dict[str, Any]]:
    """The newest version's result for each file sent, short."""
    if screened.newest is None:
        return []
    return scans.summary(screened.examination.of_sent(screened.newest.digest))
