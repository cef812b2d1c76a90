"""What is known already: in which version a fault was mended, and whether a detection is ours at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sigreq.domain.advice import steps
from sigreq.domain.clock import Happening
from sigreq.domain.examination import File
from sigreq.domain.halving import first_without
from sigreq.domain.lifecycle import Event
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind, PremiumStep
from sigreq.domain.verdict import Determination, Finding, Resolution, ScanResult, Verdict, is_proved
from sigreq.scanning.published import Rulesets
from sigreq.scanning.stored import Order, StoredSamples
from sigreq.store import clocks, contracts, releases, scans, solved, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.store.scans import Round
from sigreq.tables.releases import Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Transaction
from sigreq.work import TryAgain


@dataclass(frozen=True)
class Answer:
    """The first version without the fault, what its rules say of each file sent, and of every file by SHA-256."""

    release: Release
    sent: list[tuple[File, ScanResult]]
    results: Mapping[str, ScanResult]


@dataclass(frozen=True)
class KnownAnswers:
    """Looks for answers that need no analyst."""

    database: Database
    rulesets: Rulesets
    stored: StoredSamples

    async def first_without(
        self, of: Submission, files: Sequence[File], claimed: Release, newest: Release
    ) -> Answer | None:
        """The first version after the claimed one that no longer shows the fault, found by halving.

        Versions whose rules are not kept are passed over; one that cannot be scanned counts as showing the fault.
        """
        async with self.database.transaction() as tx:
            between = await releases.between(tx, of.product_id, claimed.ordinal, newest.ordinal)
            sha256s = [file.facts.sha256 for file in files if file.facts]
            digests = [each.ruleset_digest for each in between]
            found_before = await scans.known(tx, of.organisation_id, sha256s, digests)
        kept = {each.version: await self.rulesets.find(each.ruleset_digest) for each in between}
        answers: dict[str, Answer] = {}

        async def shows(release: Release) -> bool:
            ruleset = kept[release.version]
            assert ruleset is not None  # noqa: S101 - only such are searched
            known = {key: each.result for key, each in found_before.items() if key[1] == ruleset.digest}
            found = await self.stored.examine(Order(of.organisation_id, files, [ruleset], known=known))
            sent = found.of_sent(ruleset.digest)
            answers[release.version] = Answer(release, sent, found.results[ruleset.digest])
            return is_proved(found.shown(of.kind, ruleset.digest)) is not True

        search = first_without([each for each in between if kept[each.version] is not None])
        try:
            release = next(search)
            while True:
                release = search.send(await shows(release))
        except StopIteration as end:
            first: Release = end.value
        if first.version not in answers and await shows(first):
            return None
        return answers[first.version]

    async def is_ours(self, name: str | None, rulesets: Sequence[Ruleset]) -> bool:
        """Whether a rule of these versions has the name that the product showed; no only when all could be asked."""
        if name is None or not rulesets:
            return True
        for ruleset in rulesets:
            if await self.stored.scanner.knows(ruleset, name) is not False:
                return True
        return False


async def hold(tx: Transaction, of: Submission, answer: Answer) -> None:
    """Keep the version that an answer names from being withdrawn until the transaction ends.

    To be called before any other row is locked, as a version is withdrawn before its cases are told. Raises TryAgain
    where it was withdrawn since: then the case is to be screened again.
    """
    release = await releases.hold(tx, of.product_id, answer.release.version)
    if release is None or release.withdrawn_at is not None:
        raise TryAgain(timedelta(seconds=1), f"{answer.release.version} was withdrawn meanwhile")


async def give(tx: Transaction, of: Submission, answer: Answer, remarks: Sequence[Mapping[str, Any]]) -> None:
    """Answer at once, and close: fixed or detected since the version found, with what to do now."""
    is_fp = of.kind is Kind.FALSE_POSITIVE
    determination = Determination.ALREADY_FIXED if is_fp else Determination.ALREADY_DETECTED
    submission = await submissions.lock(tx, of.id)
    clocked = await clocks.values_after(tx, submission, Happening(Event.ANSWERED_AUTOMATICALLY, tx.at))
    version = answer.release.version
    product = await releases.product_of(tx, of)
    await scans.record(tx, Round(submission, "first_fixed", version, answer.release.ruleset_digest), answer.results)
    values = {
        **clocked,
        "finding": Finding.REFUTED,
        "remarks": list(remarks),
        "determination": determination,
        "final_verdict": Verdict.CLEAN if is_fp else Verdict.MALWARE,
        "resolution": Resolution.NO_CHANGE,
        "fixed_in": version,
        "solved_number": await solved.next_number(tx, submission.product_id),
        "closed_at": tx.at,
    }
    data = {
        "determination": determination,
        "fixed_in": version,
        "files": scans.summary(answer.sent),
        "remarks": list(remarks),
        "steps": steps(product.update_instructions, of.kind),
    }
    moved = await move_submission(tx, submission.id, Move(Event.ANSWERED_AUTOMATICALLY, values=values, data=data))
    await contracts.settle(tx, moved, PremiumStep.RELEASED)
