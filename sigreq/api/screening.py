"""What screening found: the report, cases like this one, what a hash belongs to, and the limits it works within."""

from dataclasses import asdict
from typing import Annotated, Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import to_builtins

from sigreq.api import sample_views
from sigreq.api.doorway import Services, spoken
from sigreq.api.submissions import MAX_PAGE, seen_by
from sigreq.domain import errors
from sigreq.domain.faults import MEANINGS
from sigreq.domain.limits import LISTS
from sigreq.domain.people import Actor, Permission, require
from sigreq.store import samples, scans, submissions
from sigreq.transaction import Transaction
from sigreq.validation import report

OCCURRENCES = 50


@get("/v1/submissions/{submission_id:str}/report", summary="What screening found in each file")
async def read_report(
    submission_id: FromPath[str],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    after: Annotated[int, QueryParameter(ge=-1, description="the last position of the page before")] = -1,
    limit: FromQuery[int] = 50,
) -> dict[str, Any]:
    """Files that were sent come first, what they hold behind them; `next_after` is null at the end.

    Staff also see where in a file each rule fired.
    """
    require(actor, Permission.SEE_SUBMISSIONS)
    row = await submissions.get(tx, spoken("SR", submission_id), actor)
    files, next_after = await report.of(tx, row, after=after, limit=max(1, min(limit, MAX_PAGE)))
    return {
        "submission": row.id,
        "finding": row.finding,
        "remarks": row.remarks,
        "files": [sample_views.file(each, is_staff=actor.is_staff) for each in files],
        "next_after": next_after,
    }


@get("/v1/submissions/{submission_id:str}/similar", summary="Cases like this one")
async def read_similar(
    submission_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Of all organisations: with the same content, hit by the same rule, by the same signer, or nearly the same.

    Nearly: a TLSH distance of at most 70. The newest 20,000 samples of the same type are compared.
    """
    require(actor, Permission.SEE_QUEUE)
    row = await submissions.get(tx, spoken("SR", submission_id), actor)
    return sample_views.alike(await report.similar_to(tx, row))


@get("/v1/rules/{rule:str}/submissions", summary="Cases hit by a rule")
async def read_hit_by(
    rule: FromPath[str],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    *,
    is_open: Annotated[bool, QueryParameter(name="open", description="only those that are not closed")] = True,
    limit: FromQuery[int] = 50,
) -> dict[str, Any]:
    """Newest first."""
    require(actor, Permission.SEE_QUEUE)
    found = await scans.hit_by(tx, rule, is_open=is_open, limit=max(1, min(limit, MAX_PAGE)))
    return {"items": await seen_by(tx, actor, found)}


@get("/v1/samples/{digest:str}", summary="What a hash belongs to")
async def read_sample(
    digest: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """By MD5, SHA-1, SHA-256, import hash or TLSH digest. Customers find only what their own organisation sent."""
    require(actor, Permission.SEE_SUBMISSIONS)
    if not samples.is_digest(digest):
        reason = "is no MD5, SHA-1, SHA-256 or import hash (32, 40 or 64 hex digits), and no TLSH digest"
        raise errors.RequestMalformed(reason=f"{digest[:80]!r} {reason}")
    found = await samples.by_any_hash(tx, digest, actor, MAX_PAGE)
    if not found:
        raise errors.NotFound(what="sample", id=digest[:72])
    items = []
    for row in found:
        where = await samples.submissions_with(tx, row, OCCURRENCES)
        told = {"organisation": row.organisation_id, **to_builtins(sample_views.identity(row))}
        items.append({**told, "submissions": [sample_views.occurrence(*each) for each in where]})
    return {"items": items}


@get("/v1/limits", summary="What may be sent, and how far it is examined", security=[{}])
async def read_limits(services: NamedDependency[Services]) -> dict[str, Any]:
    """Needs no key. Sizes in bytes, times in seconds; `outcomes` are the reasons why something was not examined."""
    settings = services.settings
    unpack = settings.scanning.unpack
    return {
        "submission": {
            "files": settings.limits.submission_files,
            "bytes": settings.limits.submission_bytes,
            "fields_bytes": settings.limits.fields_bytes,
        },
        "archives": {
            "members": unpack.members,
            "member_bytes": unpack.member_bytes,
            "total_bytes": unpack.total_bytes,
            "depth": unpack.depth,
            "ratio": unpack.ratio,
            "seconds": unpack.seconds,
        },
        "lists": asdict(LISTS),
        "scan": {"seconds": settings.scanning.timeout.total_seconds()},
        "outcomes": {code.value: meaning for code, meaning in MEANINGS.items()},
    }


ROUTES = [read_report, read_similar, read_hit_by, read_sample, read_limits]
