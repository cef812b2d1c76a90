"""Signing in with a password, and setting it by a link."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network

from pwdlib import PasswordHash

from sigreq.domain import passwords as rules
from sigreq.domain.people import Actor
from sigreq.domain.sign_in_errors import SignInTooOften, SignInWrong
from sigreq.sessions import COUNT_LIVES, Sessions, SignedIn
from sigreq.store import passwords
from sigreq.tables.people import Person, SignIn
from sigreq.transaction import Database, Transaction

LINK_LIVES = timedelta(hours=24)
_HASHER = PasswordHash.recommended()
# Each check takes 64 MiB for its time: a flood of them waits here, and not for memory.
_AT_ONCE = asyncio.Semaphore(2)


@dataclass(frozen=True)
class Try:
    """A name and password as they came, from which network address, and the token of a browser known before."""

    login: str
    password: str
    address: str
    device: str | None


@dataclass(frozen=True)
class Entered:
    """A session with its token, and the token by which this browser is known from now on."""

    token: str
    session: SignedIn
    device: str


async def sign_in(database: Database, sessions: Sessions, tried: Try) -> Entered:
    """A session for whoever knows the password; no transaction is open while it is checked.

    Raises SignInWrong, SignInTooOften.
    """
    login = tried.login.strip().lower()
    async with database.transaction() as tx:
        known = await passwords.by_login(tx, login)
    counters = await _counters(sessions, tried, login, known)
    if not await sessions.count(counters):
        raise SignInTooOften(minutes=int(COUNT_LIVES.total_seconds() // 60))
    is_right, better = await _verify(tried.password, known[0].password_hash if known else _nobodys())
    if known is None or not is_right:
        raise SignInWrong
    await sessions.forget(counters[:1])  # the address may go on being counted: it may be many people's
    if better is not None:
        async with database.transaction() as tx:
            await passwords.rehash(tx, known[1].id, better, known[0].changed_at)
    return await enter(sessions, known[0])


async def enter(sessions: Sessions, row: SignIn) -> Entered:
    """A session for somebody whose password was just checked or set."""
    token, session = await sessions.begin(row.person_id, row.changed_at.isoformat())
    return Entered(token, session, await sessions.know_device(row.person_id))


async def set_password(database: Database, token: str, password: str) -> SignIn:
    """Set the password that a link is for; every session of before ends. No transaction is open while it is hashed.

    Raises PasswordUnfit, PasswordLinkUnknown, PasswordLinkUsed, PasswordLinkExpired.
    """
    async with database.transaction() as tx:
        link = await passwords.usable(tx, token)
    rules.check(password, link.login)
    hashed = await hash_of(password)
    async with database.transaction() as tx:
        return await passwords.use(tx, await passwords.usable(tx, token, is_locking=True), hashed)


async def hash_of(password: str) -> str:
    """What is stored of a password."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def who(tx: Transaction, session: SignedIn) -> tuple[Person, Actor] | None:
    """Whose session it is; None when they have set another password since it began."""
    found = await passwords.of(tx, session.person_id)
    if found is None or found[0].changed_at.isoformat() != session.password_of:
        return None
    person = found[1]
    return person, Actor(person.id, person.name, person.role, person.organisation_id)


async def _verify(password: str, hashed: str) -> tuple[bool, str | None]:
    if len(password) > rules.LONGEST:
        return False, None
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.verify_and_update, password, hashed)


@cache
def _nobodys() -> str:
    """Checked where the name is unknown, so that the time of the answer does not tell which names exist."""
    return _HASHER.hash("nobody has this password")


async def _counters(
    sessions: Sessions, tried: Try, login: str, known: tuple[SignIn, Person] | None
) -> list[rules.Counter]:
    owner = await sessions.whose_device(tried.device) if tried.device else None
    is_own = owner is not None and known is not None and owner == known[1].id
    return rules.counters(login, _network(tried.address), tried.device if is_own else None)


def _network(address: str) -> str:
    """An IPv6 address counts as its /64, which one customer of a provider has whole."""
    try:
        read = ip_address(address)
    except ValueError:
        return address[:100]
    return str(ip_network(f"{read}/64", strict=False)) if isinstance(read, IPv6Address) else str(read)
