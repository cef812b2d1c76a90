"""An organisation's own API keys."""

from typing import Any

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from sigreq.api.cursors import read_cursor, write_cursor
from sigreq.api.schemas import Line, Strict
from sigreq.domain.errors import CursorInvalid
from sigreq.domain.people import Actor, Permission, require
from sigreq.store import keys, people
from sigreq.tables.people import ApiKey, Person
from sigreq.transaction import Transaction

MAX_PAGE = 200


class KeyIn(Strict):
    """What a key is for, so that one knows later which to revoke."""

    title: Line


def key_view(row: ApiKey, person: Person) -> dict[str, Any]:
    """A key without what opens anything."""
    return {
        "id": keys.id_of(row),
        "title": row.title,
        "begins_with": row.hint,
        "person": person.name,
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
    }


async def page_of_keys(
    tx: Transaction, actor: Actor, cursor: str | None, size: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Some keys of the actor's organisation, and the cursor of those that follow. Raises CursorInvalid."""
    rows = await keys.page(tx, actor.organisation_id or "", after=_read_place(cursor), limit=size + 1)
    shown = [key_view(*each) for each in rows[:size]]
    return shown, _write_place(keys.place_of(rows[size - 1][0])) if len(rows) > size else None


def _write_place(place: keys.Place) -> str:
    return write_cursor(place.at, f"{'+' if place.works else '-'}{place.id}")


def _read_place(cursor: str | None) -> keys.Place | None:
    found = read_cursor(cursor)
    if found is None:
        return None
    at, row_id = found
    if not row_id.startswith(("+", "-")):
        raise CursorInvalid(cursor=str(cursor)[:100])
    return keys.Place(row_id[0] == "+", at, row_id[1:])


@get("/v1/account/keys", summary="Your organisation's API keys")
async def list_keys(
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> dict[str, Any]:
    """Those that work first; no answer holds a key itself. `next_cursor` is `cursor` of the next request."""
    require(actor, Permission.SUBMIT)
    items, following = await page_of_keys(tx, actor, cursor, max(1, min(limit, MAX_PAGE)))
    return {"items": items, "next_cursor": following}


@post("/v1/account/keys", summary="Make another API key for yourself")
async def add_own_key(
    data: JSONBody[KeyIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, str]:
    """It may do what you may. The key is shown only now."""
    require(actor, Permission.SUBMIT)
    return {"key": await people.issue_key(tx, await people.person(tx, actor.person_id), data.title)}


@delete("/v1/account/keys/{key_id:str}", summary="Revoke an API key of your organisation")
async def revoke_own_key(
    key_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> None:
    """At once, whoever of your organisation holds it."""
    require(actor, Permission.SUBMIT)
    await keys.revoke(tx, actor.organisation_id or "", key_id)


ROUTES = [list_keys, add_own_key, revoke_own_key]
