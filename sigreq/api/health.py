"""Is the process alive, and can it serve?"""

import asyncio
from typing import Any

import structlog
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect

from sigreq.api.doorway import Services
from sigreq.domain.errors import Problem
from sigreq.store import locks

log = structlog.get_logger()
PATIENCE_SECONDS = 5


@get("/health/live", summary="Alive?")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@get("/health/ready", summary="Ready?")
async def ready(services: NamedDependency[Services]) -> Response[dict[str, Any]]:
    """Asks PostgreSQL, Redis and S3 for real.

    503 when submissions cannot be accepted; `degraded` with 200 when only Redis is missing, because nothing is lost.
    """
    checks = {
        "database": _ask_database(services),
        "redis": services.hints.ping(),
        "samples": services.samples.ping(),
        "bundles": services.bundles.ping(),
    }
    answers = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    found = dict(zip(checks, answers, strict=True))
    is_able = all(found[name] == "ok" for name in ("database", "samples", "bundles"))
    status = "unavailable" if not is_able else "ready" if found["redis"] == "ok" else "degraded"
    headers = {} if is_able else {"Retry-After": "5"}
    return Response({"status": status, "checks": found}, status_code=200 if is_able else 503, headers=headers)


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


@get("/", include_in_schema=False)
async def root() -> Redirect:
    """There is nothing to see here but the reference."""
    return Redirect("/schema")


ROUTES = [live, ready, root]
