"""What was sent to an organisation's webhook, what became of it, and trying it."""

from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from sigreq.api.cursors import read_cursor, write_cursor
from sigreq.domain.deliveries import code_of, state_of, told
from sigreq.domain.errors import WebhookMissing
from sigreq.domain.people import Actor, Permission, require
from sigreq.notify.deliveries import PING
from sigreq.store import deliveries, people
from sigreq.tables.events import Event, Job
from sigreq.transaction import Transaction

MAX_PAGE = 200


def delivery_view(row: Job, event: Event | None) -> dict[str, Any]:
    """A delivery. `answer_code` and `answer` are of the last try; `next_try_at` is null when there is none."""
    said = row.answer or row.last_error
    return {
        "id": row.id,
        "message_id": event.id if event else row.args.get("ping_id"),
        "type": f"submission.{event.name}" if event else PING,
        "submission_id": event.subject_id if event else None,
        "state": state_of(
            is_done=row.done_at is not None, attempts=row.attempts, answer=row.answer, error=row.last_error
        ),
        "attempts": row.attempts,
        "answer_code": code_of(said),
        "answer": told(said),
        "created_at": row.created_at,
        "ended_at": row.done_at,
        "next_try_at": row.due_at if row.done_at is None else None,
    }


async def check_webhook(tx: Transaction, actor: Actor) -> str:
    """The organisation, if it has a webhook that is in use. Raises WebhookMissing."""
    organisation_id = actor.organisation_id or ""
    endpoint = await people.webhook(tx, organisation_id)
    if endpoint is None or endpoint.disabled_at is not None:
        raise WebhookMissing
    return organisation_id


@get("/v1/account/webhook/deliveries", summary="What was sent to your webhook")
async def list_deliveries(
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> dict[str, Any]:
    """Newest first. `next_cursor` of one answer is `cursor` of the next request; null at the end."""
    require(actor, Permission.SUBMIT)
    size = max(1, min(limit, MAX_PAGE))
    after = read_cursor(cursor)
    rows = await deliveries.page(tx, actor.organisation_id or "", after=after, limit=size + 1)
    last = rows[size - 1][0] if len(rows) > size else None
    items = [delivery_view(*each) for each in rows[:size]]
    return {"items": items, "next_cursor": write_cursor(last.created_at, last.id) if last else None}


@post("/v1/account/webhook/ping", status_code=202, summary="Try your webhook")
async def ping(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, str]:
    """A message of the type `webhook.ping` goes the way of all messages; `delivery` is its id in the log."""
    require(actor, Permission.SUBMIT)
    return {"delivery": await deliveries.ping(tx, await check_webhook(tx, actor))}


@post("/v1/account/webhook/deliveries/{delivery_id:str}/again", status_code=202, summary="Send a message again")
async def send_again(
    delivery_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, str]:
    """Under the same `webhook-id`; one that waits for its next try is tried now."""
    require(actor, Permission.SUBMIT)
    return {"delivery": await deliveries.send_again(tx, await check_webhook(tx, actor), delivery_id)}


ROUTES = [list_deliveries, ping, send_again]
