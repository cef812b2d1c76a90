"""Organisations, people, their keys, plans and webhooks."""

import re
import secrets
import zlib
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain import plans
from sigreq.domain.errors import AlreadyExists, KeyRevoked, KeyUnknown, NotFound
from sigreq.domain.people import Actor, Role
from sigreq.domain.submission import Severity
from sigreq.domain.worktime import Calendar, parse_hours
from sigreq.tables.people import ApiKey, Organisation, Person, Plan, WebhookEndpoint
from sigreq.tables.people import Calendar as CalendarRow
from sigreq.transaction import Transaction

KEY_PREFIX = "sgrq_live_"


def new_key() -> str:
    """160 random bits and a checksum, so that scanners for leaked secrets and typos can tell a key."""
    body = secrets.token_hex(20)
    return f"{KEY_PREFIX}{body}_{zlib.crc32(body.encode()):08x}"


def digest(key: str) -> str:
    """What is stored of a key. Its 160 random bits need no slow hash."""
    return sha256(key.encode()).hexdigest()


async def issue_key(tx: Transaction, person: Person) -> str:
    """Give a person a key. This is the only time it can be read."""
    key = new_key()
    row = ApiKey(digest=digest(key), person_id=person.id, hint=key[: len(KEY_PREFIX) + 4], created_at=tx.at)
    tx.session.add(row)
    await tx.session.flush()
    return key


async def authenticate(tx: Transaction, key: str) -> Actor:
    """Who holds this key. Raises KeyUnknown, KeyRevoked."""
    statement = (
        select(ApiKey, Person)
        .join(Person, col(Person.id) == col(ApiKey.person_id))
        .where(col(ApiKey.digest) == digest(key))
    )
    found = (await tx.session.execute(statement)).tuples().one_or_none()
    if found is None:
        raise KeyUnknown
    row, person = found
    if row.revoked_at is not None:
        raise KeyRevoked
    return Actor(person.id, person.name, person.role, person.organisation_id)


async def organisation(tx: Transaction, organisation_id: str) -> Organisation:
    """A customer whose identifier is known to exist."""
    return await tx.session.get_one(Organisation, organisation_id)


async def plan(tx: Transaction, plan_id: str) -> plans.Plan:
    """A plan that is known to exist, as the rules read it."""
    row = await plan_row(tx, plan_id)
    goals = {
        Severity(int(severity)): plans.Goal(timedelta(minutes=goal["minutes"]), goal["calendar"], goal["is_guaranteed"])
        for severity, goal in row.goals.items()
    }
    return plans.Plan(row.id, row.track, goals)


async def calendars(tx: Transaction) -> dict[str, Calendar]:
    """Every calendar by its name."""
    rows = (await tx.session.scalars(select(CalendarRow))).all()
    return {row.id: Calendar(row.time_zone, parse_hours(row.hours)) for row in rows}


async def plan_row(tx: Transaction, plan_id: str) -> Plan:
    """A plan that is known to exist, as it is stored."""
    return await tx.session.get_one(Plan, plan_id)


async def set_webhook(tx: Transaction, actor: Actor, url: str, secret: str) -> None:
    """Replace the organisation's endpoint; a disabled one works again."""
    row = {"url": url, "secret": secret, "created_at": tx.at, "disabled_at": None}
    statement = insert(WebhookEndpoint).values(organisation_id=actor.organisation_id, **row)
    await tx.session.execute(statement.on_conflict_do_update(index_elements=["organisation_id"], set_=row))


async def remove_webhook(tx: Transaction, actor: Actor) -> None:
    """Forget the organisation's endpoint, if it has one."""
    own = col(WebhookEndpoint.organisation_id) == actor.organisation_id
    await tx.session.execute(delete(WebhookEndpoint).where(own))


async def add_organisation(tx: Transaction, organisation_id: str, name: str, plan_id: str) -> Organisation:
    """A new customer. Raises AlreadyExists, and NotFound for an unknown plan."""
    if await tx.session.get(Plan, plan_id) is None:
        raise NotFound(what="plan", id=plan_id)
    is_taken = select(Organisation).where(or_(col(Organisation.id) == organisation_id, col(Organisation.name) == name))
    if await tx.session.scalar(is_taken) is not None:
        raise AlreadyExists(what="organisation", id=organisation_id)
    row = Organisation(id=organisation_id, name=name, plan_id=plan_id, created_at=tx.at)
    tx.session.add(row)
    await tx.session.flush()
    return row


async def add_person(tx: Transaction, name: str, role: Role, organisation_id: str | None) -> Person:
    """Somebody new, whose identifier says who it is. Raises NotFound for an unknown organisation."""
    if organisation_id is not None and await tx.session.get(Organisation, organisation_id) is None:
        raise NotFound(what="organisation", id=organisation_id)
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "person"
    row = Person(id=f"{readable}-{secrets.token_hex(3)}", name=name, role=role, organisation_id=organisation_id)
    tx.session.add(row)
    await tx.session.flush()
    return row


async def person(tx: Transaction, person_id: str) -> Person:
    """Raises NotFound."""
    found = await tx.session.get(Person, person_id)
    if found is None:
        raise NotFound(what="person", id=person_id)
    return found


async def revoke_keys(tx: Transaction, person_id: str) -> int:
    """Make every key of a person useless; how many there were."""
    live = (col(ApiKey.person_id) == person_id) & col(ApiKey.revoked_at).is_(None)
    statement = update(ApiKey).where(live).values(revoked_at=tx.at).returning(col(ApiKey.digest))
    return len((await tx.session.scalars(statement)).all())


async def organisations(tx: Transaction) -> Sequence[Organisation]:
    """All customers, by name."""
    return (await tx.session.scalars(select(Organisation).order_by(col(Organisation.id)))).all()


async def everybody(tx: Transaction) -> Sequence[Person]:
    """All people, by role and name."""
    return (await tx.session.scalars(select(Person).order_by(col(Person.role), col(Person.name)))).all()


async def webhook(tx: Transaction, organisation_id: str) -> WebhookEndpoint | None:
    """Where an organisation is told, if anywhere."""
    return await tx.session.get(WebhookEndpoint, organisation_id)


async def disable_webhook(tx: Transaction, organisation_id: str, url: str) -> None:
    """Call this address no more; another one set meanwhile stays."""
    own = (col(WebhookEndpoint.organisation_id) == organisation_id) & (col(WebhookEndpoint.url) == url)
    await tx.session.execute(update(WebhookEndpoint).where(own).values(disabled_at=tx.at))
