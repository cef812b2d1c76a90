"""Who am I, what was I promised, is my database the latest, and where am I told."""

import secrets
from base64 import b64encode
from typing import Any

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from sigreq.api.schemas import WebhookIn
from sigreq.domain.people import Actor, Permission, require
from sigreq.store import people
from sigreq.transaction import Transaction
from sigreq.validation import intake


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
    plan = await people.plan_row(tx, organisation.plan_id)
    endpoint = await people.webhook(tx, organisation.id)
    goals = [{"severity": int(severity), **goal} for severity, goal in sorted(plan.goals.items())]
    return {
        **who,
        "organisation": {"id": organisation.id, "name": organisation.name},
        "plan": {"id": plan.id, "title": plan.title, "track": plan.track, "goals": goals},
        "webhook": {"url": endpoint.url, "is_disabled": endpoint.disabled_at is not None} if endpoint else None,
    }


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


@put("/v1/account/webhook", summary="Be told by webhook")
async def set_webhook(
    data: JSONBody[WebhookIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, str]:
    """Every public event from now on goes there, signed (Standard Webhooks). The secret is shown only now."""
    require(actor, Permission.SUBMIT)
    secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    await people.set_webhook(tx, actor, str(data.url), secret)
    return {"url": str(data.url), "secret": secret}


@delete("/v1/account/webhook", summary="Be told no more")
async def remove_webhook(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> None:
    """What is on its way may still arrive."""
    require(actor, Permission.SUBMIT)
    await people.remove_webhook(tx, actor)


ROUTES = [read_account, check_database, set_webhook, remove_webhook]
