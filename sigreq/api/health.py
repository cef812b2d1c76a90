"""Is the process alive, and can it serve?"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from litestar import Response, get
from litestar.di import NamedDependency

from sigreq.api.doorway import Services
from sigreq.domain.errors import Problem
from sigreq.domain.submission import Track
from sigreq.domain.targets import Target
from sigreq.store import locks, releases, workers
from sigreq.tables.events import WorkerSeen

log = structlog.get_logger()
PATIENCE_SECONDS = 5
# Workers say that they are there every five seconds.
SEEN_WITHIN = timedelta(seconds=20)
NEEDED = ("database", "samples", "bundles")
LIBRARIES = {
    "libmagic": "types of files are not told, samples are not_identified",
    "libarchive": "only zip and 7z archives are unpacked",
}


@get("/health/live", summary="Alive?")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@get("/health/ready", summary="Ready?")
async def ready(services: NamedDependency[Services]) -> Response[dict[str, Any]]:
    """Asks PostgreSQL, Redis and S3 for real, and tells which workers there are.

    503 when submissions cannot be accepted; `degraded` with 200 when nothing is lost, but Redis, a worker or a library
    is missing, or ClamAV where a product needs it. `workers` says how far each can lock in what it examines.
    """
    checks = {
        "database": _ask_database(services),
        "redis": services.hints.ping(),
        "samples": services.samples.ping(),
        "bundles": services.bundles.ping(),
    }
    answers = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    found = dict(zip(checks, answers, strict=True))
    is_able = all(found[name] == "ok" for name in NEEDED)
    seen, needing = await _workers(services) if found["database"] == "ok" else ((), ())
    found["workers"] = "; ".join([*_missing(seen), *_without_clamav(seen, needing)]) or "ok"
    is_whole = all(each == "ok" for each in found.values())
    status = "unavailable" if not is_able else "ready" if is_whole else "degraded"
    headers = {} if is_able else {"Retry-After": "5"}
    told = [{"queue": each.queue, "seen_at": each.seen_at.isoformat(), **each.abilities} for each in seen]
    body = {"status": status, "checks": found, "workers": told}
    return Response(body, status_code=200 if is_able else 503, headers=headers)


async def _outcome(check: Any) -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check
    except Problem as problem:
        return problem.message
    except TimeoutError:
        return f"no answer within {PATIENCE_SECONDS} s"
    except Exception as error:  # such as a database without tables
        log.warning("health.failed", exc_info=error)
        return f"it answers, but not as it should ({type(error).__name__})"
    return "ok"


async def _ask_database(services: Services) -> None:
    async with services.database.transaction() as tx:
        await locks.ask(tx)


async def _workers(services: Services) -> tuple[Sequence[WorkerSeen], Sequence[str]]:
    """Those seen lately, and the products that need ClamAV."""
    try:
        async with services.database.transaction() as tx:
            seen = await workers.seen_since(tx, tx.at - SEEN_WITHIN)
            return seen, await releases.products_for(tx, Target.CLAMAV)
    except Problem:
        return (), ()


def _missing(seen: Sequence[WorkerSeen]) -> Iterator[str]:
    """What keeps samples from being examined as they should be."""
    there = {each.queue for each in seen}
    for queue in Track:
        if queue not in there:
            yield f"no worker of the queue {queue} was seen for {SEEN_WITHIN.seconds} s"
    for library, effect in LIBRARIES.items():
        if any(each.abilities.get(library) is False for each in seen):
            yield f"the system library {library} is not installed: {effect}"
    if any(not each.abilities for each in seen):
        yield "a worker cannot start the processes that examine samples"


def _without_clamav(seen: Sequence[WorkerSeen], needing: Sequence[str]) -> Iterator[str]:
    """What is tested by a worker without it does not pass."""
    if needing and any(each.abilities and not each.abilities.get("clamav") for each in seen):
        yield f"ClamAV is not installed where a worker runs: no gate of {', '.join(needing)} passes there"


ROUTES = [live, ready]
