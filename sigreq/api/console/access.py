"""What a customer's programs need, in the customer's own hands: API keys, and the webhook with its log."""

import secrets
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from sigreq.api.account import new_secret, refuse_private
from sigreq.api.console.desk import Visitor, go
from sigreq.api.console.forms import read, written
from sigreq.api.cursors import read_cursor, write_cursor
from sigreq.api.deliveries import check_webhook, delivery_view
from sigreq.api.doorway import Services
from sigreq.api.keys import KeyIn, page_of_keys
from sigreq.api.schemas import WebhookIn
from sigreq.domain.errors import FieldInvalid, Problem
from sigreq.domain.list_errors import ListFull
from sigreq.domain.people import Permission
from sigreq.store import deliveries, keys, people

KEYS, WEBHOOK = "/portal/keys", "/portal/webhook"
LISTED = 50


@get(KEYS)
async def show_keys(visitor: NamedDependency[Visitor]) -> Response[str]:
    """The organisation's keys, without what opens anything. Raises CursorInvalid."""
    visitor.may(Permission.SUBMIT)
    return await _keys_page(visitor)


@post(KEYS)
async def add_key(visitor: NamedDependency[Visitor], services: NamedDependency[Services]) -> Response[str] | Redirect:
    """Make a key, and show it: it is in this answer and nowhere else; loaded again, the page makes no other."""
    visitor.may(Permission.SUBMIT)
    try:
        title = read(KeyIn, visitor.form).title
    except FieldInvalid as problem:
        return await _keys_page(visitor, problem=problem, status_code=visitor.pages.status(problem))
    if not await _is_first(visitor, services):
        return go(f"{KEYS}?again=true")
    try:
        made = await people.issue_key(visitor.tx, visitor.person, title)
    except ListFull as problem:
        return await _keys_page(visitor, problem=problem, status_code=visitor.pages.status(problem))
    return await _keys_page(visitor, made=made, status_code=201)


@post(f"{KEYS}/{{key_id:str}}/revoke")
async def revoke_key(visitor: NamedDependency[Visitor], key_id: FromPath[str]) -> Redirect:
    """Make it useless at once, and show the list. Raises NotFound."""
    visitor.may(Permission.SUBMIT)
    await keys.revoke(visitor.tx, _organisation(visitor), key_id)
    return go(KEYS)


@get(WEBHOOK)
async def show_webhook(visitor: NamedDependency[Visitor]) -> Response[str]:
    """Where messages go, and what became of them, newest first. Raises CursorInvalid."""
    visitor.may(Permission.SUBMIT)
    return await _webhook_page(visitor)


@post(WEBHOOK)
async def set_webhook(
    visitor: NamedDependency[Visitor], services: NamedDependency[Services]
) -> Response[str] | Redirect:
    """Have messages sent there, and show the secret: it is in this answer and nowhere else, and made once."""
    visitor.may(Permission.SUBMIT)
    try:
        url = str(read(WebhookIn, visitor.form).url)
        refuse_private(services, url)
    except Problem as problem:
        return await _webhook_page(visitor, problem=problem, status_code=visitor.pages.status(problem))
    if not await _is_first(visitor, services):
        return go(f"{WEBHOOK}?again=true")
    made = new_secret()
    await people.set_webhook(visitor.tx, visitor.actor, url, made)
    return await _webhook_page(visitor, made=made, status_code=201)


@post(f"{WEBHOOK}/remove")
async def remove_webhook(visitor: NamedDependency[Visitor]) -> Redirect:
    """Send nothing more."""
    visitor.may(Permission.SUBMIT)
    await people.remove_webhook(visitor.tx, visitor.actor)
    return go(WEBHOOK)


@post(f"{WEBHOOK}/ping")
async def ping(visitor: NamedDependency[Visitor]) -> Response[str] | Redirect:
    """Send a message about nothing; the log shows what becomes of it."""
    visitor.may(Permission.SUBMIT)

    async def write() -> object:
        return await deliveries.ping(visitor.tx, await check_webhook(visitor.tx, visitor.actor))

    return await written(visitor, write, WEBHOOK, _refused(visitor))


@post(f"{WEBHOOK}/deliveries/{{delivery_id:str}}/again")
async def send_again(visitor: NamedDependency[Visitor], delivery_id: FromPath[str]) -> Response[str] | Redirect:
    """Send a message once more. Raises NotFound."""
    visitor.may(Permission.SUBMIT)

    async def write() -> object:
        organisation_id = await check_webhook(visitor.tx, visitor.actor)
        return await deliveries.send_again(visitor.tx, organisation_id, delivery_id)

    return await written(visitor, write, WEBHOOK, _refused(visitor))


def _refused(visitor: Visitor) -> Any:
    async def show(problem: Problem, status: int) -> Response[str]:
        return await _webhook_page(visitor, problem=problem, status_code=status)

    return show


async def _is_first(visitor: Visitor, services: Services) -> bool:
    """Whether the form was not sent before. A form of no page of ours is none that a browser can send again."""
    once = visitor.form.get("once")
    return once is None or await services.sessions.first(f"{visitor.actor.person_id} {once}")


def _organisation(visitor: Visitor) -> str:
    return visitor.actor.organisation_id or ""


async def _keys_page(
    visitor: Visitor, *, made: str | None = None, problem: Problem | None = None, status_code: int = 200
) -> Response[str]:
    after = visitor.query.get("after")
    rows, older = await page_of_keys(visitor.tx, visitor.actor, after, LISTED)
    context = {"rows": rows, "older": older, "is_first": after is None, "made": made, "problem": problem}
    return visitor.page("keys.html", status_code=status_code, **context, typed=visitor.form, **_once(visitor))


async def _webhook_page(
    visitor: Visitor, *, made: str | None = None, problem: Problem | None = None, status_code: int = 200
) -> Response[str]:
    after = read_cursor(visitor.query.get("after"))
    organisation_id = _organisation(visitor)
    found = await deliveries.page(visitor.tx, organisation_id, after=after, limit=LISTED + 1)
    last = found[LISTED - 1][0] if len(found) > LISTED else None
    return visitor.page(
        "webhook.html",
        status_code=status_code,
        endpoint=await people.webhook(visitor.tx, organisation_id),
        rows=[delivery_view(*each) for each in found[:LISTED]],
        older=write_cursor(last.created_at, last.id) if last else None,
        is_first=after is None,
        made=made,
        problem=problem,
        typed=visitor.form,
        **_once(visitor),
    )


def _once(visitor: Visitor) -> dict[str, object]:
    """What makes a form act once, and whether the one before had acted already."""
    return {"once": secrets.token_urlsafe(16), "is_again": "again" in visitor.query}


ROUTES = [show_keys, add_key, revoke_key, show_webhook, set_webhook, remove_webhook, ping, send_again]
