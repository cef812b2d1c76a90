"""The analysts' queue."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect

from sigreq.api.console.desk import Visitor, go
from sigreq.api.doorway import Services
from sigreq.domain.people import ALLOWED, Permission
from sigreq.domain.queueing import Band, Waiting, band
from sigreq.domain.submission import Kind, Track
from sigreq.review import claims
from sigreq.store import groups, queues
from sigreq.store.queues import Filters
from sigreq.tables.submissions import Submission

ROWS = 50
MINE = 20


@get("/queue")
async def show_queue(
    visitor: NamedDependency[Visitor],
    in_band: Annotated[int | None, QueryParameter(name="band", ge=0, le=3)] = None,
    on_track: Annotated[Track | None, QueryParameter(name="track")] = None,
    plan: str | None = None,
    severity: Annotated[int | None, QueryParameter(name="severity", ge=1, le=4)] = None,
    customer: str | None = None,
    kind: Kind | None = None,
    detection: str | None = None,
    finding: str | None = None,
    *,
    nothing: Annotated[bool, QueryParameter(name="nothing", description="there was nothing to take")] = False,
) -> Response[str]:
    """Waiting cases in their order, in bands; the filters stand in the address, so a view can be kept as a bookmark."""
    visitor.may(Permission.SEE_QUEUE)
    only = Filters(
        Band(in_band) if in_band is not None else None,
        on_track,
        plan or None,
        severity,
        customer or None,
        kind,
        detection or None,
        finding or None,
    )
    return visitor.page("queue.html", **await queue_of(visitor, only), is_nothing=nothing)


async def queue_of(visitor: Visitor, only: Filters) -> dict[str, Any]:
    """What the page shows."""
    tx, actor = visitor.tx, visitor.actor
    view = queues.View(await groups.of(tx, actor), only=only)
    rows = await queues.waiting(tx, view, ROWS)
    may_take = actor.role in ALLOWED[Permission.DECIDE]
    return {
        "rows": [(row, _band(row, visitor), row.due_at - tx.at) for row in rows],
        "bands": await queues.bands(tx, view),
        "mine": [(row, row.due_at - tx.at) for row in await queues.of_analyst(tx, actor.person_id, MINE)],
        "only": only,
        "filters": {name: value for name, value in asdict(only).items() if value is not None},
        "may_take": may_take,
        "soon": timedelta(hours=1),
        "limit": ROWS,
    }


def _band(row: Submission, visitor: Visitor) -> Band:
    return band(Waiting(row.id, row.track, row.received_at, row.due_at, row.warn_at), visitor.tx.at)


@post("/queue/take")
async def take(visitor: NamedDependency[Visitor], services: NamedDependency[Services]) -> Redirect:
    """Take the first case of the queue, whatever is filtered: the order is for everybody."""
    visitor.may(Permission.DECIDE)
    row = await claims.take_next(visitor.tx, visitor.actor, services.settings.analysis.claim)
    return go(f"/cases/{row.id}" if row else "/queue?nothing=true")


ROUTES = [show_queue, take]
