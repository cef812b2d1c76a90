"""What happens, as it happens: streams of server-sent events. No connection to the database is held while they wait."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any

import structlog
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter
from litestar.response import Stream

from sigreq.api.doorway import AnyRequest, Services, authenticate, spoken
from sigreq.api.streams import Notice, Waiting, comment, message, stream
from sigreq.domain.errors import Problem
from sigreq.domain.lifecycle import State
from sigreq.domain.people import Actor, Permission, require
from sigreq.notify.timeline import public_view, staff_view
from sigreq.store import submissions

log = structlog.get_logger()
LastEventId = Annotated[
    str | None, HeaderParameter(name="Last-Event-ID", description="the id of the last event that you have")
]
FIRST = 0
COMMENTS_BETWEEN_LOOKS = 12
"""A stream in which nothing happens looks every three minutes whether its reader may still read it."""
Check = Callable[[], Awaitable[Actor]]
"""Who reads a stream; raises a Problem when they may read it no more."""


@get("/v1/submissions/{submission_id:str}/events", summary="What happens to a submission, as it happens")
async def submission_events(
    submission_id: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    last_event_id: LastEventId = None,
) -> Stream:
    """`text/event-stream`: the timeline from the beginning or behind `Last-Event-ID`, and then each event as it comes.

    An event's name is that of the timeline, its `id` the number behind which to go on. `reset` comes first where the
    id given is none of this submission's: everything follows from the beginning. A comment comes every 15 seconds.
    """
    actor = await authenticate(request, services)
    require(actor, Permission.SEE_SUBMISSIONS)
    async with services.database.transaction() as tx:
        row = await submissions.get(tx, spoken("SR", submission_id), actor)
    newest = row.revision if actor.is_staff else row.public_sequence
    after = _place(last_event_id, newest)
    waiting = services.streams.place(actor.person_id, lambda notice: notice.submission_id == row.id)
    return stream(_timeline(request, services, waiting, row.id, after))


def _place(last_event_id: str | None, newest: int) -> int | None:
    """Behind which event to begin; None where the id cannot be one of this submission's."""
    if last_event_id is None or last_event_id == "":
        return FIRST
    is_number = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= len(str(newest))
    return int(last_event_id) if is_number and int(last_event_id) <= newest else None


async def _timeline(
    request: AnyRequest, services: Services, waiting: Waiting, submission_id: str, after: int | None
) -> AsyncIterator[bytes]:
    with services.streams.until_left(waiting):
        if after is None:
            yield message("reset", {}, FIRST)
        seen = after or FIRST
        while not services.streams.is_closing:
            try:
                found = await _behind(request, services, submission_id, seen)
            except Problem as problem:  # a revoked key, or no database: whoever reads comes back and is told properly
                log.info("stream.ended", code=problem.code)
                return
            for number, name, view in found:
                yield message(name, view, number)
                seen = number
            for _ in range(COMMENTS_BETWEEN_LOOKS):
                if await waiting.wait():
                    break
                yield comment("still here")


async def _behind(
    request: AnyRequest, services: Services, submission_id: str, seen: int
) -> Sequence[tuple[int, str, dict[str, Any]]]:
    """The events behind `seen` that the key's holder may see now; a key that was revoked ends the stream."""
    actor: Actor = await authenticate(request, services)
    async with services.database.transaction() as tx:
        await submissions.get(tx, submission_id, actor)
        found = await submissions.timeline(tx, submission_id, is_public_only=not actor.is_staff, after=seen)
    if actor.is_staff:
        return [(event.sequence, event.name, staff_view(event, person)) for event, person in found]
    return [(event.public_sequence or 0, event.name, public_view(event)) for event, _ in found]


@get("/v1/queue/events", summary="That the queue has changed, as it changes")
async def queue_events(
    request: AnyRequest, services: NamedDependency[Services], last_event_id: LastEventId = None
) -> Stream:
    """`text/event-stream`: `reset` first, then `moved` whenever something in it has changed; at each read it anew.

    Nothing of a queue is kept, so whatever `Last-Event-ID` says, `reset` comes. A comment comes every 15 seconds.
    """
    del last_event_id

    async def check() -> Actor:
        actor = await authenticate(request, services)
        require(actor, Permission.SEE_QUEUE)
        return actor

    return await _queue(services, check, "reset", "moved")


async def queue_for_pages(services: Services, check: Check) -> Stream:
    """The same for pages, which look at the queue anew at each `queue`. Raises what `check` raises."""
    return await _queue(services, check, "queue", "queue")


async def _queue(services: Services, check: Check, first: str, then: str) -> Stream:
    """A stream of the queue for whom `check` lets through, now and before each event."""
    waiting = services.streams.place((await check()).person_id, is_about_queue)
    return stream(_moves(services, waiting, check, first, then))


async def _moves(services: Services, waiting: Waiting, check: Check, first: str, then: str) -> AsyncIterator[bytes]:
    with services.streams.until_left(waiting):
        yield message(first, {})
        while not services.streams.is_closing:
            is_woken = False
            for _ in range(COMMENTS_BETWEEN_LOOKS):
                if is_woken := await waiting.wait():
                    break
                yield comment("still here")
            try:
                await check()
            except Problem as problem:
                log.info("stream.ended", code=problem.code)
                return
            if is_woken and not services.streams.is_closing:
                yield message(then, {})


def is_about_queue(notice: Notice) -> bool:
    """Whether a case came into the queue, left it, or changed in it."""
    return State.QUEUED in {notice.was, notice.state}


ROUTES = [submission_events, queue_events]
