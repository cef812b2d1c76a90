"""The analysts' queue."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.response import Redirect, Stream

from sigreq.api.console.desk import Visitor, find_session, go, visitor_of
from sigreq.api.console.forms import one_of
from sigreq.api.doorway import AnyRequest, Services
from sigreq.api.events import queue_for_pages
from sigreq.domain.people import ALLOWED, Permission
from sigreq.domain.queueing import Band, Waiting, band
from sigreq.domain.submission import Kind, Severity, Track
from sigreq.domain.verdict import Finding
from sigreq.review import claims
from sigreq.store import groups, queues
from sigreq.store.queues import Filters
from sigreq.tables.submissions import Submission

ROWS = 50
MINE = 20


@get("/queue")
async def show_queue(visitor: NamedDependency[Visitor]) -> Response[str]:
    """Waiting cases in their order, in bands; the filters stand in the address, so a view can be kept as a bookmark."""
    visitor.may(Permission.SEE_QUEUE)
    asked = visitor.query
    only = Filters(
        one_of(lambda said: Band(int(said)), asked.get("band")),
        one_of(Track, asked.get("track")),
        asked.get("plan"),
        one_of(lambda said: int(Severity(int(said))), asked.get("severity")),
        asked.get("customer"),
        one_of(Kind, asked.get("kind")),
        asked.get("detection"),
        one_of(Finding, asked.get("finding")),
    )
    return visitor.page("queue.html", **await queue_of(visitor, only), is_nothing="nothing" in asked)


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
        "address": f"/queue?{urlencode(visitor.query)}",
        "may_take": may_take,
        "soon": timedelta(hours=1),
        "limit": ROWS,
    }


def _band(row: Submission, visitor: Visitor) -> Band:
    return band(Waiting(row.id, row.track, row.received_at, row.due_at, row.warn_at), visitor.tx.at)


@get("/queue/events")
async def watch_queue(request: AnyRequest, services: NamedDependency[Services], state: State) -> Stream:
    """Tells an open page to look at the queue anew. Raises SignInNeeded, WrongRole."""
    session = await find_session(request, services)
    async with services.database.transaction() as tx:
        (await visitor_of(request, session, tx, state.pages)).may(Permission.SEE_QUEUE)
    return queue_for_pages(services)


@post("/queue/take")
async def take(visitor: NamedDependency[Visitor], services: NamedDependency[Services]) -> Redirect:
    """Take the first case of the queue, whatever is filtered: the order is for everybody."""
    visitor.may(Permission.DECIDE)
    row = await claims.take_next(visitor.tx, visitor.actor, services.settings.analysis.claim)
    return go(f"/cases/{row.id}" if row else "/queue?nothing=true")


ROUTES = [show_queue, watch_queue, take]
