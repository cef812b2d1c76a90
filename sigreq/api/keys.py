"""An organisation's own API keys."""

from typing import Any

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sigreq.api.schemas import Line, Strict
from sigreq.domain.people import Actor, Permission, require
from sigreq.store import keys, people
from sigreq.tables.people import ApiKey, Person
from sigreq.transaction import Transaction


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


@get("/v1/account/keys", summary="Your organisation's API keys")
async def list_keys(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """Those that work first; no answer holds a key itself."""
    require(actor, Permission.SUBMIT)
    found = await keys.of_organisation(tx, actor.organisation_id or "")
    return {"items": [key_view(*each) for each in found]}


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
