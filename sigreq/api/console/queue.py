"""The analysts' queue."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from litestar import Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.response import Redirect, Stream
from pydantic import Field

from sigreq.api.console.desk import Form, Visitor, find_session, go, visitor_of
from sigreq.api.console.forms import one_of, read
from sigreq.api.doorway import AnyRequest, Services
from sigreq.api.events import queue_for_pages
from sigreq.api.schemas import Strict
from sigreq.domain.people import ALLOWED, Actor, Permission
from sigreq.domain.queueing import Band, Waiting, band
from sigreq.domain.submission import Kind, Severity, Track
from sigreq.domain.verdict import Finding
from sigreq.review import claims
from sigreq.store import groups, plans, queues, views
from sigreq.store.queues import Filters
from sigreq.tables.submissions import Submission

ROWS = 50
MINE = 20
FILTERS = ("band", "track", "plan", "severity", "customer", "kind", "detection", "finding")


class ViewIn(Strict):
    """A name for filters, as they stand in an address."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    query: Annotated[str, Field(max_length=2000)] = ""


@get("/queue")
async def show_queue(visitor: NamedDependency[Visitor]) -> Response[str]:
    """Waiting cases in their order, in bands; the filters stand in the address, so a view can be kept as a bookmark."""
    visitor.may(Permission.SEE_QUEUE)
    asked = visitor.query
    return visitor.page("queue.html", **await queue_of(visitor, filters_of(asked)), is_nothing="nothing" in asked)


def filters_of(asked: Form) -> Filters:
    """What an address of the queue asks for. Raises RequestMalformed."""
    return Filters(
        one_of(lambda said: Band(int(said)), asked.get("band")),
        one_of(Track, asked.get("track")),
        asked.get("plan"),
        one_of(lambda said: int(Severity(int(said))), asked.get("severity")),
        asked.get("customer"),
        one_of(Kind, asked.get("kind")),
        asked.get("detection"),
        one_of(Finding, asked.get("finding")),
    )


def address_of(asked: Form) -> str:
    """The same filters as every address of them is written, so that two can be compared. Raises RequestMalformed."""
    filters_of(asked)
    return urlencode({name: asked[name] for name in FILTERS if name in asked})


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
        "band_addresses": {each: f"/queue?{address_of({**visitor.query, 'band': str(each.value)})}" for each in Band},
        "address": f"/queue?{urlencode(visitor.query)}",
        "may_take": may_take,
        "views": await views.of(tx, actor.person_id),
        "plans": {plan.id: plan.title for plan in await plans.listed(tx)},
        "this_view": address_of(visitor.query),
        "soon": timedelta(hours=1),
        "limit": ROWS,
    }


def _band(row: Submission, visitor: Visitor) -> Band:
    return band(Waiting(row.id, row.track, row.received_at, row.due_at, row.warn_at), visitor.tx.at)


@get("/queue/events")
async def watch_queue(request: AnyRequest, services: NamedDependency[Services], state: State) -> Stream:
    """Tells an open page to look at the queue anew. Raises SignInNeeded, WrongRole, StreamsTooMany."""

    async def check() -> Actor:
        session = await find_session(request, services)
        async with services.database.transaction() as tx:
            visitor = await visitor_of(request, session, tx, state.pages)
            visitor.may(Permission.SEE_QUEUE)
        return visitor.actor

    return await queue_for_pages(services, check)


@post("/queue/take")
async def take(visitor: NamedDependency[Visitor], services: NamedDependency[Services]) -> Redirect:
    """Take the first case of the queue, whatever is filtered: the order is for everybody."""
    visitor.may(Permission.DECIDE)
    row = await claims.take_next(visitor.tx, visitor.actor, services.settings.analysis.claim)
    return go(f"/cases/{row.id}" if row else "/queue?nothing=true")


@post("/queue/views")
async def save_view(visitor: NamedDependency[Visitor]) -> Redirect:
    """Keep filters under a name; a name that is taken gets the new ones.

    Raises FieldInvalid, ListFull, RequestMalformed.
    """
    visitor.may(Permission.SEE_QUEUE)
    sent = read(ViewIn, visitor.form)
    query = address_of({name: said for name, said in parse_qsl(sent.query) if said.strip()})
    await views.save(visitor.tx, visitor.actor.person_id, sent.name, query)
    return go(f"/queue?{query}")


@post("/queue/views/remove")
async def remove_view(visitor: NamedDependency[Visitor]) -> Redirect:
    """Forget a view of one's own; one that is not there is no error."""
    visitor.may(Permission.SEE_QUEUE)
    await views.remove(visitor.tx, visitor.actor.person_id, visitor.form.get("name", ""))
    return go("/queue")


ROUTES = [show_queue, watch_queue, take, save_view, remove_view]
