"""Scan rows: which rules fired on which file, kept for each submission and used again within an organisation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, cast, insert, select
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlmodel import col

from sigreq.domain.examination import File
from sigreq.domain.lifecycle import State
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.store import rules_hit
from sigreq.store.one_of import one_of
from sigreq.tables.submissions import Scan, Submission
from sigreq.transaction import Transaction

_OLDEST_FIRST = (col(Scan.at), col(Scan.id))
_KNOWN = (
    select(Scan)
    .where(
        col(Scan.organisation_id) == bindparam("organisation_id"),
        one_of(col(Scan.sha256), bindparam("sha256s")),
        one_of(col(Scan.ruleset_digest), bindparam("digests")),
        col(Scan.outcome) != Outcome.NOT_SCANNED,
    )
    .ext(distinct_on(col(Scan.sha256), col(Scan.ruleset_digest)))
    .order_by(col(Scan.sha256), col(Scan.ruleset_digest), col(Scan.at).desc())
)


@dataclass(frozen=True)
class Round:
    """The files of one submission against one version's rules: `purpose` is claimed, newest, gate or proof."""

    submission: Submission
    purpose: str
    version: str
    digest: str | None


async def record(
    tx: Transaction, of: Round, results: Mapping[str, ScanResult], known: Mapping[str, datetime] | None = None
) -> None:
    """Keep what came of it, by SHA-256, and which rules hit. `known` says when a result used again was found."""
    rows = [
        {
            "id": uuid4().hex,
            "submission_id": of.submission.id,
            "organisation_id": of.submission.organisation_id,
            "sha256": sha256,
            "purpose": of.purpose,
            "version": of.version,
            "ruleset_digest": of.digest,
            "outcome": result.outcome,
            "detections": list(result.detections),
            "hits": list(result.hits),
            "reason": result.reason,
            "engine": result.engine,
            "seconds": result.seconds,
            "scanned_at": (known or {}).get(sha256, tx.at),
            "at": tx.at,
        }
        for sha256, result in results.items()
    ]
    if rows:
        await tx.session.execute(insert(Scan), rows)
    rules = {rule for result in results.values() for rule in result.detections}
    await rules_hit.keep(tx, of.submission.id, of.purpose, rules)


@dataclass(frozen=True)
class Known:
    """An earlier result, and when it was found."""

    result: ScanResult
    scanned_at: datetime


async def known(
    tx: Transaction, organisation_id: str, sha256s: Iterable[str], digests: Iterable[str]
) -> dict[tuple[str, str], Known]:
    """What scans of the organisation's own samples have shown before, by SHA-256 and the ruleset's digest."""
    values = {"organisation_id": organisation_id, "sha256s": list(sha256s), "digests": list(digests)}
    return {
        (row.sha256, row.ruleset_digest or ""): Known(result_of(row), row.scanned_at)
        for row in await tx.session.scalars(_KNOWN, values)
    }


def result_of(row: Scan) -> ScanResult:
    """What a row says."""
    return ScanResult(
        row.outcome, tuple(row.detections), row.reason, hits=tuple(row.hits), engine=row.engine, seconds=row.seconds
    )


@dataclass(frozen=True)
class Seen:
    """What came of one scan of a submission, without where the rules hit."""

    sha256: str
    purpose: str
    version: str
    at: datetime
    result: ScanResult


async def outcomes(tx: Transaction, submission_id: str) -> list[Seen]:
    """What came of all scans of a submission's files, oldest first."""
    statement = select(
        col(Scan.sha256),
        col(Scan.purpose),
        col(Scan.version),
        col(Scan.at),
        col(Scan.outcome),
        col(Scan.detections),
        col(Scan.reason),
    ).where(col(Scan.submission_id) == submission_id)
    return [
        Seen(row[0], row[1], row[2], row[3], ScanResult(row[4], tuple(row[5]), row[6]))
        for row in await tx.session.execute(statement.order_by(*_OLDEST_FIRST))
    ]


async def of_files(tx: Transaction, submission_id: str, sha256s: Iterable[str]) -> Sequence[Scan]:
    """The scans of some of a submission's files, oldest first."""
    statement = select(Scan).where(col(Scan.submission_id) == submission_id, col(Scan.sha256).in_(set(sha256s)))
    return (await tx.session.scalars(statement.order_by(*_OLDEST_FIRST))).all()


async def hit_by(tx: Transaction, rule: str, *, is_open: bool, limit: int) -> Sequence[Submission]:
    """Submissions on whose files this rule fired, newest first, in one query."""
    hit = select(col(Scan.submission_id)).where(cast(col(Scan.detections), JSONB).has_key(rule))
    statement = select(Submission).where(col(Submission.id).in_(hit))
    if is_open:
        statement = statement.where(col(Submission.state) != State.CLOSED)
    statement = statement.order_by(col(Submission.received_at).desc(), col(Submission.id).desc()).limit(limit)
    return (await tx.session.scalars(statement)).all()


def summary(results: Iterable[tuple[File, ScanResult]], at_most: int = 5) -> list[dict[str, Any]]:
    """Results of sent files for an event: short, because it leaves the house."""
    return [
        {
            "name": file.name,
            "sha256": file.facts.sha256 if file.facts else None,
            "outcome": result.outcome,
            "detections": list(result.detections[:at_most]),
            "reason": result.reason,
        }
        for file, result in results
    ]
