"""What is known of a file by its content: malware is never allowed, a clean file never detected."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import col

from sigreq.domain.changes import ChangeKind
from sigreq.domain.examination import File
from sigreq.domain.reasons import DetectedByExtra, FoundClean, FoundMalware, InCorpus, WhyMalware
from sigreq.domain.release_errors import ArchiveHoldsDetected, KnownClean, KnownMalware
from sigreq.domain.verdict import Outcome, Verdict
from sigreq.store import corpus, files
from sigreq.tables.extras import Extra
from sigreq.tables.submissions import Scan, Submission, SubmissionFile
from sigreq.transaction import Transaction


async def check_allowed(tx: Transaction, of: Submission, sha256: str) -> None:
    """Let a file of a case be allowed. Raises KnownMalware, also for what it holds, and ArchiveHoldsDetected.

    Who allows an archive clears everything in it, so what is detected in one has to be allowed by itself.
    """
    held = _held_by(await files.of(tx, of), sha256)
    found = await _malware(tx, [sha256, *held])
    if found is not None:
        raise KnownMalware(sha256=found[0], why=found[1])
    detected = await _detected(tx, of, held)
    if detected:
        raise ArchiveHoldsDetected(sha256=sha256, members=", ".join(detected[:5]))


async def check_detected(tx: Transaction, sha256: str) -> None:
    """Let a file be detected by its content alone. Raises KnownClean."""
    if await corpus.known_hashes(tx, [sha256]):
        raise KnownClean(sha256=sha256, why=InCorpus())
    statement = (
        select(col(Submission.id))
        .join(SubmissionFile, col(SubmissionFile.submission_id) == col(Submission.id))
        .where(col(SubmissionFile.sha256) == sha256, *_was_found(Verdict.CLEAN))
        .limit(1)
    )
    case = await tx.session.scalar(statement)
    if case is not None:
        raise KnownClean(sha256=sha256, why=FoundClean(case))


def _was_found(verdict: Verdict) -> tuple[ColumnElement[bool], ...]:
    """By an analyst: an automatic answer only says what the newest version does, which may be the fault."""
    return col(Submission.final_verdict) == verdict, col(Submission.analyst_id).is_not(None)


def _held_by(everything: Sequence[File], sha256: str) -> list[str]:
    """All that a file of this content holds, wherever it lies."""
    held = set[str]()
    inside = set[int]()
    for file in sorted(everything, key=lambda each: each.position):
        if file.parent in inside:
            inside.add(file.position)
            held |= {file.facts.sha256} if file.facts else set()
        elif file.facts is not None and file.facts.sha256 == sha256:
            inside.add(file.position)
    return sorted(held - {sha256})


async def _malware(tx: Transaction, sha256s: Collection[str]) -> tuple[str, WhyMalware] | None:
    """The first of these that is known as malware, and why.

    A file that was sent is what its case was found to be; one that was found in it only if it was detected itself.
    """
    is_own_scan = and_(
        col(Scan.submission_id) == col(SubmissionFile.submission_id), col(Scan.sha256) == col(SubmissionFile.sha256)
    )
    was_detected = select(Scan).where(is_own_scan, col(Scan.outcome) == Outcome.DETECTED).exists()
    statement = (
        select(col(SubmissionFile.sha256), col(Submission.id))
        .join(Submission, col(SubmissionFile.submission_id) == col(Submission.id))
        .where(
            col(SubmissionFile.sha256).in_(list(sha256s)),
            *_was_found(Verdict.MALWARE),
            or_(col(SubmissionFile.parent).is_(None), was_detected),
        )
        .limit(1)
    )
    found = (await tx.session.execute(statement)).one_or_none()
    if found is not None:
        return str(found[0]), FoundMalware(found[1])
    relieved = select(col(Extra.sha256), col(Extra.submission_id)).where(
        col(Extra.sha256).in_(list(sha256s)), col(Extra.kind) == ChangeKind.HASH_ADD, col(Extra.ended_at).is_(None)
    )
    given = (await tx.session.execute(relieved.limit(1))).one_or_none()
    return None if given is None else (str(given[0]), DetectedByExtra())


async def _detected(tx: Transaction, of: Submission, sha256s: Collection[str]) -> list[str]:
    statement = select(col(Scan.sha256)).where(
        col(Scan.submission_id) == of.id, col(Scan.sha256).in_(list(sha256s)), col(Scan.outcome) == Outcome.DETECTED
    )
    return sorted(await tx.session.scalars(statement.distinct()))
