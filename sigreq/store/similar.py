"""Earlier cases like this one: the same content, the same rule, the same signer, nearly the same content."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, distinct_on
from sqlalchemy.types import Text
from sqlmodel import col

from sigreq.tables.submissions import Sample, Scan, Submission, SubmissionFile
from sigreq.transaction import Transaction

MOST = 20
# Of these, the newest of the same type, each digest is compared; see bench/README.md for what that costs.
COMPARED = 20_000


@dataclass(frozen=True)
class Likeness:
    """Another case, and in what it is alike."""

    submission: Submission
    sha256: str
    by: Mapping[str, Any] = field(default_factory=dict)


async def same_content(tx: Transaction, of: Submission, samples: Sequence[Sample]) -> list[Likeness]:
    """Cases with one of these contents, whoever sent it, newest first."""
    found = await _with_files(tx, of, col(SubmissionFile.sha256).in_({each.sha256 for each in samples}))
    return [Likeness(case, sha256) for case, sha256 in found]


async def same_rule(tx: Transaction, of: Submission, rules: Iterable[str]) -> list[Likeness]:
    """Cases on whose files one of these rules fired, newest first."""
    sought = sorted(set(rules))
    if not sought:
        return []
    detections = cast(col(Scan.detections), JSONB)
    statement = (
        select(Submission, col(Scan.sha256), detections)
        .join(Scan, col(Scan.submission_id) == col(Submission.id))
        .where(detections.has_any(cast(sought, ARRAY(Text))), col(Submission.id) != of.id)
        .ext(distinct_on(col(Submission.received_at), col(Submission.id)))
        .order_by(col(Submission.received_at).desc(), col(Submission.id).desc())
        .limit(MOST)
    )
    rows = await tx.session.execute(statement)
    return [Likeness(row[0], row[1], {"rules": sorted(set(row[2]) & set(sought))}) for row in rows]


async def same_signer(tx: Transaction, of: Submission, samples: Sequence[Sample]) -> list[Likeness]:
    """Cases with another file of the same signer, newest first."""
    signers = {each.signer for each in samples if each.signer}
    own = {each.sha256 for each in samples}
    is_it = and_(col(Sample.signer).in_(signers), col(Sample.sha256).not_in(own))
    return [Likeness(case, sha256) for case, sha256 in await _with_files(tx, of, is_it)] if signers else []


async def digests_of_type(tx: Transaction, mime: str | None, besides: Iterable[str]) -> list[tuple[str, str]]:
    """SHA-256 and TLSH of the newest samples of a type."""
    statement = (
        select(col(Sample.sha256), col(Sample.tlsh))
        .where(col(Sample.tlsh).is_not(None), col(Sample.mime) == mime, col(Sample.sha256).not_in(set(besides)))
        .order_by(col(Sample.created_at).desc())
        .limit(COMPARED)
    )
    return [(row[0], str(row[1])) for row in await tx.session.execute(statement)]


async def near_content(tx: Transaction, of: Submission, distances: Mapping[str, int]) -> list[Likeness]:
    """Cases with one of these contents, the nearest first."""
    found = await _with_files(tx, of, col(SubmissionFile.sha256).in_(set(distances)))
    found.sort(key=lambda each: distances[each[1]])
    return [Likeness(case, sha256, {"distance": distances[sha256]}) for case, sha256 in found]


async def _with_files(tx: Transaction, of: Submission, is_it: ColumnElement[bool]) -> list[tuple[Submission, str]]:
    """Other cases that have a file like that, each once, newest first."""
    statement = (
        select(Submission, col(SubmissionFile.sha256))
        .join(SubmissionFile, col(SubmissionFile.submission_id) == col(Submission.id))
        .join(
            Sample,
            tuple_(col(Sample.organisation_id), col(Sample.sha256))
            == tuple_(col(Submission.organisation_id), col(SubmissionFile.sha256)),
        )
        .where(is_it, col(Submission.id) != of.id)
        .ext(distinct_on(col(Submission.received_at), col(Submission.id)))
        .order_by(col(Submission.received_at).desc(), col(Submission.id).desc())
        .limit(MOST)
    )
    return [(row[0], str(row[1])) for row in await tx.session.execute(statement)]
