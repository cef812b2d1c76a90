"""Delivers public events to webhooks, the same message each time, until the receiver takes it."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from json import dumps

from sigreq.notify.timeline import public_view
from sigreq.store import deliveries, people, submissions
from sigreq.store.jobs import Lease
from sigreq.tables.events import Event
from sigreq.tables.people import WebhookEndpoint
from sigreq.transaction import Database, Transaction
from sigreq.webhooks import RETRIES, Delivery, WebhookSender
from sigreq.work import Finish, GaveUp, TryAgain, nothing

MAX_BYTES = 20_000
PING = "webhook.ping"


@dataclass(frozen=True)
class Deliveries:
    """Sends what `tell` queued. No delivery waits for another: order is the receiver's, by `sequence`."""

    database: Database
    sender: WebhookSender

    async def deliver(self, lease: Lease) -> Finish:
        """One try. Raises TryAgain until the schedule is used up."""
        async with self.database.transaction() as tx:
            message_id, message = await _message(tx, lease)
            endpoint = await people.webhook(tx, lease.args["organisation_id"])
        if endpoint is None or endpoint.disabled_at is not None:
            return nothing
        sent = await self.sender.deliver(endpoint.url, endpoint.secret, message_id, message, self.database.clock())
        if sent.is_delivered or sent.is_gone:
            return partial(_end, lease, endpoint, sent)
        raise next_try(lease.attempt, sent.told, sent.retry_after)


def next_try(attempt: int, told: str, retry_after: timedelta | None = None) -> TryAgain | GaveUp:
    """When to try again what left the house and was not taken; at the end of the schedule, why it never was."""
    if attempt > len(RETRIES):
        return GaveUp(told)
    pause = RETRIES[attempt - 1]
    return TryAgain(max(pause, retry_after or pause), told)


async def _message(tx: Transaction, lease: Lease) -> tuple[str, str]:
    """Its id, and its text: an event, or a ping, which is about nothing."""
    if "ping_id" in lease.args:
        return lease.args["ping_id"], ping_body(lease.args["ping_id"], lease.args["at"])
    event = await submissions.event(tx, lease.args["event_id"])
    return event.id, body(event)


async def _end(lease: Lease, endpoint: WebhookEndpoint, sent: Delivery, tx: Transaction) -> None:
    await deliveries.keep_answer(tx, lease, sent.told)
    if sent.is_gone:
        await people.disable_webhook(tx, endpoint.organisation_id, endpoint.url)


async def give_up(_tx: Transaction, _lease: Lease, _told: str) -> None:
    """The job's row keeps the last error; the event stays readable in the timeline."""


def ping_body(ping_id: str, at: str) -> str:
    """The message by which somebody tries their receiver."""
    return dumps({"type": PING, "timestamp": at, "data": {"id": ping_id}}, separators=(",", ":"))


def body(event: Event) -> str:
    """The message. Data that would make it too large is left out: the timeline has it."""
    message = {"type": f"submission.{event.name}", "timestamp": event.at.isoformat()}
    data = {"submission_id": event.subject_id, **public_view(event)}
    whole = dumps({**message, "data": data}, separators=(",", ":"))
    if len(whole.encode()) <= MAX_BYTES:
        return whole
    return dumps({**message, "data": {**data, "data": {"is_shortened": True}}}, separators=(",", ":"))
