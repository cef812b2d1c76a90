"""Passwords, and the links by which they are set."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from sigreq.domain.errors import AlreadyExists
from sigreq.domain.sign_in_errors import PasswordLinkExpired, PasswordLinkUnknown, PasswordLinkUsed
from sigreq.store import people
from sigreq.tables.people import PasswordLink, Person, SignIn
from sigreq.transaction import Transaction

NO_PASSWORD = ""
"""Stands where a hash would be, in the row of somebody who may not sign in: it is no hash of anything."""
_HAS_PASSWORD: ColumnElement[bool] = col(SignIn.password_hash) != NO_PASSWORD


def digest(token: str) -> str:
    """What is stored of a token. Its 256 random bits need no slow hash."""
    return sha256(token.encode()).hexdigest()


async def make_link(tx: Transaction, person_id: str, login: str | None, valid: timedelta) -> tuple[PasswordLink, str]:
    """A link for one person, and its token, which is readable only now; their older links end.

    The sign-in name is the one they have, else `login`, else their e-mail address, else their identifier.
    Raises NotFound, AlreadyExists for a name that is somebody else's.
    """
    person = await people.person(tx, person_id)
    known = await tx.session.get(SignIn, person_id)
    name = (login or (known.login if known else None) or person.email or person.id).strip().lower()
    await _check_free(tx, name, person_id)
    token = secrets.token_urlsafe(32)
    await end_links(tx, person_id)
    row = PasswordLink(
        digest=digest(token), person_id=person.id, login=name, created_at=tx.at, expires_at=tx.at + valid
    )
    tx.session.add(row)
    await tx.session.flush()
    return row, token


async def end_links(tx: Transaction, person_id: str) -> None:
    """Make the links useless that a person was given and has not used."""
    is_live = (col(PasswordLink.person_id) == person_id) & (col(PasswordLink.expires_at) > tx.at)
    statement = update(PasswordLink).where(is_live, col(PasswordLink.used_at).is_(None)).values(expires_at=tx.at)
    await tx.session.execute(statement)


async def end(tx: Transaction, person_id: str) -> None:
    """Let a person sign in no more until they are given another link; what they have open ends.

    The links first: one that is being used is waited for, and the password it set ends too.
    """
    is_unused = (col(PasswordLink.person_id) == person_id) & col(PasswordLink.used_at).is_(None)
    # To the time they were made: a transaction that is older than this one has to find them expired as well.
    expired = {"expires_at": col(PasswordLink.created_at)}
    await tx.session.execute(update(PasswordLink).where(is_unused).values(expired))
    gone = {"password_hash": NO_PASSWORD, "changed_at": tx.at}
    await tx.session.execute(update(SignIn).where(col(SignIn.person_id) == person_id).values(gone))


async def usable(tx: Transaction, token: str, *, is_locking: bool = False) -> PasswordLink:
    """What a link is for. Raises PasswordLinkUnknown, PasswordLinkUsed, PasswordLinkExpired."""
    statement = select(PasswordLink).where(col(PasswordLink.digest) == digest(token))
    row = await tx.session.scalar(statement.with_for_update() if is_locking else statement)
    if row is None:
        raise PasswordLinkUnknown
    if row.used_at is not None:
        raise PasswordLinkUsed(used_at=row.used_at)
    if row.expires_at <= tx.at:
        raise PasswordLinkExpired(expired_at=row.expires_at)
    return row


async def use(tx: Transaction, link: PasswordLink, password_hash: str) -> SignIn:
    """Set the password, once. Raises AlreadyExists when the name was taken meanwhile."""
    await _check_free(tx, link.login, link.person_id)
    link.used_at = tx.at
    values = {"login": link.login, "password_hash": password_hash, "changed_at": tx.at}
    statement = insert(SignIn).values(person_id=link.person_id, **values)
    statement = statement.on_conflict_do_update(index_elements=["person_id"], set_=values)
    return (await tx.session.scalars(statement.returning(SignIn))).one()


async def by_login(tx: Transaction, login: str) -> tuple[SignIn, Person] | None:
    """Who signs in under this name, if anybody."""
    statement = select(SignIn, Person).join(Person, col(Person.id) == col(SignIn.person_id))
    found = await tx.session.execute(statement.where(col(SignIn.login) == login, _HAS_PASSWORD))
    return found.one_or_none()


async def of(tx: Transaction, person_id: str) -> tuple[SignIn, Person] | None:
    """How somebody signs in, if they have set a password."""
    statement = select(SignIn, Person).join(Person, col(Person.id) == col(SignIn.person_id))
    found = await tx.session.execute(statement.where(col(SignIn.person_id) == person_id, _HAS_PASSWORD))
    return found.one_or_none()


async def rehash(tx: Transaction, person_id: str, password_hash: str, known: datetime) -> None:
    """Keep the same password under a better hash, unless it was changed meanwhile."""
    is_it = (col(SignIn.person_id) == person_id) & (col(SignIn.changed_at) == known)
    await tx.session.execute(update(SignIn).where(is_it).values(password_hash=password_hash))


async def _check_free(tx: Transaction, login: str, person_id: str) -> None:
    holder = await tx.session.scalar(select(col(SignIn.person_id)).where(col(SignIn.login) == login))
    if holder not in {None, person_id}:
        raise AlreadyExists(what="sign-in name", id=login)
