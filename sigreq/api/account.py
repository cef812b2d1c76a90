"""Who am I, what was I promised, is my database the latest, and where am I told."""

import secrets
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from sigreq.api.doorway import Services
from sigreq.api.schemas import ContactIn, WebhookIn
from sigreq.domain.errors import AddressPrivate
from sigreq.domain.people import Actor, Permission, require
from sigreq.domain.premium import contract_year
from sigreq.store import contracts, people
from sigreq.tables.people import Contract, Plan
from sigreq.transaction import Transaction
from sigreq.validation import intake
from sigreq.webhooks import is_private_literal


@get("/v1/account", summary="Your account")
async def read_account(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """Your organisation, plan and response goals; staff have none."""
    who: dict[str, Any] = {
        "person": actor.name,
        "role": actor.role,
        "organisation": None,
        "plan": None,
        "webhook": None,
    }
    if actor.organisation_id is None:
        return who
    organisation = await people.organisation(tx, actor.organisation_id)
    contract = await contracts.in_force(tx, organisation.id)
    plan = await people.plan_row(tx, contract.plan_id if contract else contracts.STANDARD)
    endpoint = await people.webhook(tx, organisation.id)
    goals = [{"severity": int(n), **goal} for n, goal in sorted(plan.goals.items()) if goal["is_guaranteed"]]
    return {
        **who,
        "organisation": {"id": organisation.id, "name": organisation.name},
        "plan": {"id": plan.id, "title": plan.title, "track": plan.track, "goals": goals},
        "phone_number": plan.phone_number,
        "contract": await _contract(tx, contract, plan) if contract else None,
        "webhook": {"url": endpoint.url, "is_disabled": endpoint.disabled_at is not None} if endpoint else None,
    }


async def _contract(tx: Transaction, contract: Contract, plan: Plan) -> dict[str, Any]:
    year_starts_at, year_ends_at = contract_year(contract.starts_at, tx.at)
    balance = await contracts.balance(tx, contract, people.as_rule(plan))
    return {
        "id": contract.id,
        "starts_at": contract.starts_at,
        "ends_at": contract.ends_at,
        "year_starts_at": year_starts_at,
        "year_ends_at": year_ends_at,
        "premium_incidents": {
            "limit": balance.limit,
            "used": balance.used,
            "reserved": balance.reserved,
            "left": balance.left,
        },
    }


@put("/v1/account/contact", summary="Be told by e-mail")
async def set_contact(
    data: JSONBody[ContactIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Every public event from now on is written to this address; null: no more mail."""
    row = await people.person(tx, actor.person_id)
    people.set_contact(row, data.email, data.language)
    return {"email": row.email, "language": row.language}


@get("/v1/database-check", summary="Is this database the latest?")
async def check_database(
    product: FromQuery[str],
    version: FromQuery[str],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """Asked before a sample is sent; the same judgement that a submission gets."""
    require(actor, Permission.SEE_SUBMISSIONS)
    row, found = await intake.check_database(tx, product, version)
    return {
        "product": row.id,
        "claimed": found.claimed,
        "verdict": found.verdict,
        "is_accepted": found.verdict.is_accepted,
        "latest": found.latest,
        "latest_published_at": found.latest_published_at,
        "outdated_since": found.outdated_since,
        "update_instructions": row.update_instructions,
    }


def new_secret() -> str:
    """What signs webhooks, in the form of Standard Webhooks."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def refuse_private(services: Services, url: str) -> None:
    """Refuse at once what would only fail later. Raises AddressPrivate."""
    host = urlsplit(url).hostname or ""
    if not services.settings.webhooks.allow_private_addresses and is_private_literal(host):
        raise AddressPrivate(host=host)


@put("/v1/account/webhook", summary="Be told by webhook")
async def set_webhook(
    data: JSONBody[WebhookIn],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, str]:
    """Every public event from now on goes there, signed (Standard Webhooks). The secret is shown only now."""
    require(actor, Permission.SUBMIT)
    refuse_private(services, str(data.url))
    secret = new_secret()
    await people.set_webhook(tx, actor, str(data.url), secret)
    return {"url": str(data.url), "secret": secret}


@delete("/v1/account/webhook", summary="Be told no more")
async def remove_webhook(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> None:
    """What is on its way may still arrive."""
    require(actor, Permission.SUBMIT)
    await people.remove_webhook(tx, actor)


ROUTES = [read_account, set_contact, check_database, set_webhook, remove_webhook]
