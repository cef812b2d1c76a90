"""What an administrator sets: customers, people and keys, products, withdrawn versions."""

import re
from typing import Any

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sigreq.access.sign_in import LINK_LIVES
from sigreq.api import views
from sigreq.api.doorway import Services
from sigreq.api.schemas import OrganisationIn, PasswordLinkIn, PersonIn, ProductIn, TargetsIn
from sigreq.domain.people import Actor, Permission, Role, require
from sigreq.domain.targets import in_order
from sigreq.release.recall import withdraw_release as use_withdraw
from sigreq.store import contracts, groups, passwords, people, releases
from sigreq.transaction import Transaction


@post("/v1/admin/organisations", summary="Add a customer")
async def add_organisation(
    data: JSONBody[OrganisationIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, str]:
    """With a plan other than `standard` an open-ended contract starts now."""
    require(actor, Permission.ADMINISTER)
    made = re.sub(r"[^a-z0-9]+", "-", data.name.lower()).strip("-")[:60] or "organisation"
    row = await people.add_organisation(tx, data.id or made, data.name)
    if data.plan != contracts.STANDARD:
        await contracts.add(tx, row.id, data.plan, tx.at, None)
    return {"id": row.id, "name": row.name, "plan": data.plan}


@get("/v1/admin/organisations", summary="Customers")
async def list_organisations(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """By name."""
    require(actor, Permission.ADMINISTER)
    plans = {row.id: (await contracts.plan_in_force(tx, row.id)).id for row in await people.organisations(tx)}
    rows = await people.organisations(tx)
    return {"items": [{"id": row.id, "name": row.name, "plan": plans[row.id]} for row in rows]}


@post("/v1/admin/people", summary="Add a person or a machine")
async def add_person(
    data: JSONBody[PersonIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, str]:
    """The key is shown only now."""
    require(actor, Permission.ADMINISTER)
    row = await people.add_person(tx, data.name, data.role, data.organisation)
    people.set_contact(row, data.email, data.language)
    if data.group is not None or data.role in {Role.ANALYST, Role.LEAD}:
        await groups.join(tx, data.group or groups.FIRST, row.id)
    return {"id": row.id, "key": await people.issue_key(tx, row)}


@get("/v1/admin/people", summary="People")
async def list_people(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """By role and name."""
    require(actor, Permission.ADMINISTER)
    rows = await people.everybody(tx)
    items = [{"id": r.id, "name": r.name, "role": r.role, "organisation": r.organisation_id} for r in rows]
    return {"items": items}


@post("/v1/admin/people/{person_id:str}/keys", summary="Give another key")
async def add_key(
    person_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, str]:
    """Older keys go on working until they are revoked."""
    require(actor, Permission.ADMINISTER)
    return {"key": await people.issue_key(tx, await people.person(tx, person_id))}


@delete("/v1/admin/people/{person_id:str}/keys", status_code=200, summary="Revoke all keys of a person")
async def revoke_keys(
    person_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, int]:
    """At once. The password for the pages stays; `access` ends that too."""
    require(actor, Permission.ADMINISTER)
    return {"revoked": await people.revoke_keys(tx, (await people.person(tx, person_id)).id)}


@delete("/v1/admin/people/{person_id:str}/access", status_code=200, summary="End all access of a person")
async def end_access(
    person_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, int]:
    """At once: keys, password, sessions, and links to set a password. A new key or link lets them in again."""
    require(actor, Permission.ADMINISTER)
    row = await people.person(tx, person_id)
    await passwords.end(tx, row.id)
    return {"revoked": await people.revoke_keys(tx, row.id)}


@post("/v1/admin/people/{person_id:str}/password-link", summary="Give a link to set a password")
async def add_password_link(
    person_id: FromPath[str],
    data: JSONBody[PasswordLinkIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """For one use within 24 hours, on the address where the pages are; links of before end. Shown only now.

    `login` is the name they sign in with; without it the one they have, else their e-mail address, else their id.
    """
    require(actor, Permission.ADMINISTER)
    row, token = await passwords.make_link(tx, person_id, data.login, LINK_LIVES)
    return {"person": row.person_id, "login": row.login, "path": f"/password/{token}", "expires_at": row.expires_at}


@post("/v1/admin/products", summary="Add a product")
async def add_product(
    data: JSONBody[ProductIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> views.ProductView:
    """Its version scheme decides how database versions are read."""
    require(actor, Permission.ADMINISTER)
    return views.product(await releases.add_product(tx, {**data.model_dump(), "targets": in_order(data.targets)}))


@put("/v1/admin/products/{product:str}/targets", summary="Say which engines load a product's signatures")
async def set_targets(
    product: FromPath[str],
    data: JSONBody[TargetsIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> views.ProductView:
    """From now on signatures are checked for these. What passed the gate without one of them is tested again."""
    require(actor, Permission.ADMINISTER)
    return views.product(await releases.set_targets(tx, product, in_order(data.targets)))


@get("/v1/admin/products", summary="Products")
async def list_products(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """By name."""
    require(actor, Permission.ADMINISTER)
    return {"items": [views.product(row) for row in await releases.products(tx)]}


@post("/v1/admin/releases/{product:str}/{version:str}/withdraw", status_code=200, summary="Withdraw a version")
async def withdraw_release(
    product: FromPath[str],
    version: FromPath[str],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> views.ReleaseView:
    """It no longer counts as a database; what it fixed goes back to the feed and is to come out anew."""
    require(actor, Permission.ADMINISTER)
    return views.release(await use_withdraw(tx, services.keyring, actor, product, version))


ROUTES = [
    add_organisation,
    list_organisations,
    add_person,
    list_people,
    add_key,
    revoke_keys,
    end_access,
    add_password_link,
    add_product,
    list_products,
    set_targets,
    withdraw_release,
]
