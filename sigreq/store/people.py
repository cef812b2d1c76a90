"""Organisations, people, their keys, plans and webhooks."""

import re
import secrets
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain import plans
from sigreq.domain.errors import AlreadyExists, KeyRevoked, KeyUnknown, NotFound, Problem
from sigreq.domain.limits import LISTS
from sigreq.domain.list_errors import ListFull
from sigreq.domain.people import Actor, Language, Role
from sigreq.domain.submission import Severity
from sigreq.store import locks
from sigreq.store.locks import Lock
from sigreq.tables.people import ApiKey, Organisation, Person, Plan, WebhookEndpoint
from sigreq.transaction import Transaction

KEY_PREFIX = "sgrq_live_"


def new_key() -> str:
    """160 random bits and a checksum, so that scanners for leaked secrets and typos can tell a key."""
    body = secrets.token_hex(20)
    return f"{KEY_PREFIX}{body}_{zlib.crc32(body.encode()):08x}"


def digest(key: str) -> str:
    """What is stored of a key. Its 160 random bits need no slow hash."""
    return sha256(key.encode()).hexdigest()


async def issue_key(tx: Transaction, person: Person, title: str | None = None) -> str:
    """Give a person a key; `title` says what it is for. This is the only time it can be read. Raises ListFull."""
    await hold_person(tx, person.id)
    live = (col(ApiKey.person_id) == person.id) & col(ApiKey.revoked_at).is_(None)
    in_use = await tx.session.scalar(select(func.count()).select_from(ApiKey).where(live))
    if (in_use or 0) >= LISTS.keys_of_a_person:
        raise ListFull(what="API keys in use of one person", limit=LISTS.keys_of_a_person)
    key = new_key()
    hint = key[: len(KEY_PREFIX) + 4]
    tx.session.add(ApiKey(digest=digest(key), person_id=person.id, hint=hint, title=title, created_at=tx.at))
    await tx.session.flush()
    return key


async def authenticate(tx: Transaction, key: str) -> Actor:
    """Who holds this key. Raises KeyUnknown, KeyRevoked."""
    (found,) = (await authenticate_all(tx, [key])).values()
    if isinstance(found, Problem):
        raise found
    return found


async def authenticate_all(tx: Transaction, keys: Collection[str]) -> dict[str, Actor | Problem]:
    """For each key who holds it, or KeyUnknown, or KeyRevoked."""
    statement = (
        select(ApiKey, Person)
        .join(Person, col(Person.id) == col(ApiKey.person_id))
        .where(col(ApiKey.digest).in_([digest(key) for key in keys]))
    )
    rows = {row.digest: (row, person) for row, person in (await tx.session.execute(statement)).all()}
    return {key: _holder(*rows[digest(key)]) if digest(key) in rows else KeyUnknown() for key in keys}


def _holder(row: ApiKey, person: Person) -> Actor | KeyRevoked:
    if row.revoked_at is not None:
        return KeyRevoked()
    return Actor(person.id, person.name, person.role, person.organisation_id)


async def organisation(tx: Transaction, organisation_id: str) -> Organisation:
    """A customer. Raises NotFound."""
    found = await tx.session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound(what="organisation", id=organisation_id)
    return found


async def plan(tx: Transaction, plan_id: str) -> plans.Plan:
    """A plan as the rules read it. Raises NotFound."""
    row = await plan_row(tx, plan_id)
    return as_rule(row)


def as_rule(row: Plan) -> plans.Plan:
    """A plan as the rules read it."""
    goals = {
        Severity(int(severity)): plans.Goal(timedelta(minutes=goal["minutes"]), goal["calendar"], goal["is_guaranteed"])
        for severity, goal in row.goals.items()
    }
    return plans.Plan(
        id=row.id,
        title=row.title,
        track=row.track,
        goals=goals,
        premium_incidents=row.premium_incidents,
        costs_premium=row.costs_premium,
        needs_phone=row.needs_phone,
        office=row.office,
        group=row.group_id,
        phone_number=row.phone_number,
    )


async def plan_row(tx: Transaction, plan_id: str) -> Plan:
    """A plan as it is stored. Raises NotFound."""
    found = await tx.session.get(Plan, plan_id)
    if found is None:
        raise NotFound(what="plan", id=plan_id)
    return found


async def set_webhook(tx: Transaction, actor: Actor, url: str, secret: str) -> None:
    """Replace the organisation's endpoint; a disabled one works again."""
    row = {"url": url, "secret": secret, "created_at": tx.at, "disabled_at": None}
    statement = insert(WebhookEndpoint).values(organisation_id=actor.organisation_id, **row)
    await tx.session.execute(statement.on_conflict_do_update(index_elements=["organisation_id"], set_=row))


async def remove_webhook(tx: Transaction, actor: Actor) -> None:
    """Forget the organisation's endpoint, if it has one."""
    own = col(WebhookEndpoint.organisation_id) == actor.organisation_id
    await tx.session.execute(delete(WebhookEndpoint).where(own))


async def add_organisation(tx: Transaction, organisation_id: str, name: str) -> Organisation:
    """A new customer. Raises AlreadyExists."""
    is_taken = select(Organisation).where(or_(col(Organisation.id) == organisation_id, col(Organisation.name) == name))
    if await tx.session.scalar(is_taken) is not None:
        raise AlreadyExists(what="organisation", id=organisation_id)
    row = Organisation(id=organisation_id, name=name, created_at=tx.at)
    tx.session.add(row)
    await tx.session.flush()
    return row


async def add_person(tx: Transaction, name: str, role: Role, organisation_id: str | None) -> Person:
    """Somebody new, whose identifier says who it is. Raises NotFound for an unknown organisation."""
    if organisation_id is not None:
        await organisation(tx, organisation_id)
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "person"
    row = Person(id=f"{readable}-{secrets.token_hex(3)}", name=name, role=role, organisation_id=organisation_id)
    tx.session.add(row)
    await tx.session.flush()
    return row


async def first_administrator(tx: Transaction, name: str) -> tuple[Person, str]:
    """Somebody who can make all the others, and their key. Raises AlreadyExists when an administrator has a key."""
    await locks.hold(tx, Lock.FIRST_ADMINISTRATOR)
    statement = (
        select(col(Person.id))
        .join(ApiKey, col(ApiKey.person_id) == col(Person.id))
        .where(col(Person.role) == Role.ADMINISTRATOR, col(ApiKey.revoked_at).is_(None))
        .limit(1)
    )
    present = await tx.session.scalar(statement)
    if present is not None:
        raise AlreadyExists(what="administrator", id=present)
    made = await add_person(tx, name, Role.ADMINISTRATOR, None)
    return made, await issue_key(tx, made)


def set_contact(row: Person, email: str | None, language: Language) -> None:
    """Where, and in which language, somebody wants to be written to."""
    row.email = email
    row.language = language


async def language_at(tx: Transaction, email: str) -> Language:
    """What those read who are written to at this address: English where nobody is known, or they differ."""
    statement = select(col(Person.language)).where(func.lower(col(Person.email)) == email.lower()).distinct()
    found = (await tx.session.scalars(statement)).all()
    return found[0] if len(found) == 1 else Language.ENGLISH


async def person(tx: Transaction, person_id: str) -> Person:
    """Raises NotFound."""
    found = await tx.session.get(Person, person_id)
    if found is None:
        raise NotFound(what="person", id=person_id)
    return found


async def name_of(tx: Transaction, person_id: str) -> str:
    """What somebody is called; who is not known, by what stands there."""
    found = await tx.session.get(Person, person_id)
    return person_id if found is None else found.name


async def names(tx: Transaction, person_ids: Iterable[str | None]) -> Mapping[str, str]:
    """What people are called, by their ids."""
    wanted = {each for each in person_ids if each is not None}
    if not wanted:
        return {}
    found = await tx.session.execute(select(col(Person.id), col(Person.name)).where(col(Person.id).in_(wanted)))
    return {row[0]: row[1] for row in found}


async def hold_person(tx: Transaction, person_id: str) -> None:
    """Let nobody else add to a list of this person's until the transaction ends."""
    await tx.session.execute(select(col(Person.id)).where(col(Person.id) == person_id).with_for_update(key_share=True))


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
