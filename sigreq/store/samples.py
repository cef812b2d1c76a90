"""Sample rows: what an organisation's files are, whichever submission they came with."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain.examination import Identity
from sigreq.domain.people import Actor
from sigreq.domain.submission import SampleFacts
from sigreq.tables.submissions import Sample, Submission, SubmissionFile
from sigreq.transaction import Transaction

_TLSH_DIGITS = 70
_DIGEST = re.compile(rf"[0-9a-f]{{32}}|[0-9a-f]{{40}}|[0-9a-f]{{64}}|(t1)?[0-9a-f]{{{_TLSH_DIGITS}}}", re.IGNORECASE)
# Hex digits of MD5 and import hashes, SHA-1 and SHA-256; a TLSH digest has 72 characters.
HASHES = {32: ("md5", "import_hash"), 40: ("sha1",), 64: ("sha256",), 72: ("tlsh",)}


def is_digest(text: str) -> bool:
    """Whether it has the form of one of them."""
    return _DIGEST.fullmatch(text) is not None


async def keep(tx: Transaction, organisation_id: str, samples: Iterable[SampleFacts]) -> None:
    """Insert or touch the organisation's sample rows, and hold their locks until the commit.

    The locks are taken in the order of the hashes, so two submissions of the same files cannot deadlock.
    """
    distinct = {facts.sha256: facts for facts in samples}
    rows = [
        {"sha256": sha256, "sha1": facts.sha1, "md5": facts.md5, "size": facts.size}
        | {"organisation_id": organisation_id, "created_at": tx.at, "last_submitted_at": tx.at}
        for sha256, facts in sorted(distinct.items())
    ]
    if not rows:
        return
    statement = insert(Sample).on_conflict_do_update(
        index_elements=["organisation_id", "sha256"], set_={"last_submitted_at": tx.at}
    )
    await tx.session.execute(statement, rows)


async def identify(tx: Transaction, organisation_id: str, identities: Mapping[str, Identity]) -> None:
    """Write what the organisation's samples are, by SHA-256."""
    rows = [
        {"organisation_id": organisation_id, "sha256": sha256, "identified_at": tx.at, **_identity(identity)}
        for sha256, identity in sorted(identities.items())
    ]
    if rows:
        await tx.session.execute(update(Sample), rows)


def _identity(identity: Identity) -> dict[str, Any]:
    executable = dict(identity.executable) if identity.executable else None
    return {
        "mime": identity.mime,
        "description": identity.description,
        "tlsh": identity.tlsh,
        "signer": _signer(executable),
        "import_hash": (executable or {}).get("import_hash"),
        "executable": executable,
        "identify_fault": identity.fault,
    }


def _signer(executable: Mapping[str, Any] | None) -> str | None:
    """The name to search for."""
    signer = (executable or {}).get("signer") or {}
    name = signer.get("subject")
    return str(name) if name else None


async def by_sha256(tx: Transaction, organisation_id: str, sha256s: Iterable[str]) -> dict[str, Sample]:
    """The organisation's samples with these contents."""
    statement = select(Sample).where(
        col(Sample.organisation_id) == organisation_id, col(Sample.sha256).in_(set(sha256s))
    )
    return {row.sha256: row for row in await tx.session.scalars(statement)}


async def by_any_hash(tx: Transaction, digest: str, actor: Actor, limit: int) -> Sequence[Sample]:
    """Samples with this MD5, SHA-1, SHA-256, import hash or TLSH digest; customers find their organisation's own.

    `digest` is one by its form, see `is_digest`.
    """
    sought = f"T1{digest[-_TLSH_DIGITS:]}".upper() if len(digest) >= _TLSH_DIGITS else digest.lower()
    is_it: ColumnElement[bool] = or_(*(col(getattr(Sample, each)) == sought for each in HASHES[len(sought)]))
    statement = select(Sample).where(is_it)
    if not actor.is_staff:
        statement = statement.where(col(Sample.organisation_id) == actor.organisation_id)
    order = (col(Sample.created_at), col(Sample.organisation_id), col(Sample.sha256))
    return (await tx.session.scalars(statement.order_by(*order).limit(limit))).all()


async def submissions_with(tx: Transaction, sample: Sample, limit: int) -> Sequence[tuple[Submission, SubmissionFile]]:
    """The submissions of its organisation that this sample came with, alone or in another file, newest first."""
    statement = (
        select(Submission, SubmissionFile)
        .join(SubmissionFile, col(SubmissionFile.submission_id) == col(Submission.id))
        .where(col(SubmissionFile.sha256) == sample.sha256, col(Submission.organisation_id) == sample.organisation_id)
        .order_by(col(Submission.received_at).desc(), col(Submission.id), col(SubmissionFile.position))
        .limit(limit)
    )
    return [(each[0], each[1]) for each in await tx.session.execute(statement)]
