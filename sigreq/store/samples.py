"""Sample rows, idempotency records and scan rows: what is written around a submission."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain.submission import SampleFacts
from sigreq.domain.verdict import ScanResult
from sigreq.tables.submissions import Idempotency, Sample, Scan
from sigreq.transaction import Transaction


async def keep(tx: Transaction, organisation_id: str, samples: Sequence[SampleFacts]) -> None:
    """Insert or touch the organisation's sample rows, and hold their locks until the commit.

    The locks are taken in the order of the hashes, so two submissions of the same files cannot deadlock.
    """
    for facts in sorted(samples, key=lambda each: each.sha256):
        row = {"sha256": facts.sha256, "sha1": facts.sha1, "md5": facts.md5, "size": facts.size}
        statement = insert(Sample).values(
            **row, organisation_id=organisation_id, created_at=tx.at, last_submitted_at=tx.at
        )
        statement = statement.on_conflict_do_update(
            index_elements=["organisation_id", "sha256"], set_={"last_submitted_at": tx.at}
        )
        await tx.session.execute(statement)


async def answered_before(tx: Transaction, person_id: str, key: str) -> Idempotency | None:
    """What this person's key was used for."""
    return await tx.session.get(Idempotency, (person_id, key), populate_existing=True)


async def reserve_key(tx: Transaction, person_id: str, key: str, fingerprint: str) -> bool:
    """Whether the key is ours now. Of two at once the second waits here for the first one's commit."""
    statement = (
        insert(Idempotency)
        .values(person_id=person_id, key=key, fingerprint=fingerprint, created_at=tx.at)
        .on_conflict_do_nothing()
        .returning(col(Idempotency.key))
    )
    return await tx.session.scalar(statement) is not None


async def keep_answer(tx: Transaction, person_id: str, key: str, answer: dict[str, Any]) -> None:
    """Write what the key was answered, in the submission's own transaction."""
    is_ours = (col(Idempotency.person_id) == person_id) & (col(Idempotency.key) == key)
    await tx.session.execute(update(Idempotency).where(is_ours).values(answer=answer))


def record_scans(
    tx: Transaction,
    submission_id: str,
    purpose: str,
    version: str,
    ruleset_digest: str | None,
    results: Sequence[tuple[SampleFacts, ScanResult]],
) -> None:
    """Keep what was scanned with which rules, and what came of it."""
    for facts, result in results:
        row = Scan(
            id=uuid4().hex,
            submission_id=submission_id,
            sha256=facts.sha256,
            purpose=purpose,
            version=version,
            ruleset_digest=ruleset_digest,
            outcome=result.outcome,
            detections=list(result.detections),
            reason=result.reason,
            at=tx.at,
        )
        tx.session.add(row)


async def scans(tx: Transaction, submission_id: str) -> Sequence[Scan]:
    """All scans of a submission's files, oldest first."""
    statement = select(Scan).where(col(Scan.submission_id) == submission_id).order_by(col(Scan.at), col(Scan.id))
    return (await tx.session.scalars(statement)).all()


def scan_summary(results: Sequence[tuple[SampleFacts, ScanResult]]) -> list[dict[str, Any]]:
    """Scan results for an event or a report."""
    return [
        {"sha256": facts.sha256, "outcome": r.outcome, "detections": list(r.detections), "reason": r.reason}
        for facts, r in results
    ]
