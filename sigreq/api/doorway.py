"""What every request passes: the services it needs, its transaction, who is asking, and which revision they hold."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from sigreq.api.feed_waiting import WaitingRoom
from sigreq.api.streams import Streams
from sigreq.blobs import Blobs
from sigreq.domain import errors
from sigreq.domain.identifiers import IdentifierInvalid, read_identifier
from sigreq.domain.people import Actor
from sigreq.jobs import Hints
from sigreq.sessions import Sessions
from sigreq.settings import Settings
from sigreq.store import people
from sigreq.transaction import Database, Transaction
from sigreq.trust.keyring import Keyring

AnyRequest = Request[Any, Any, State]
IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description="the ETag of what you read")]
IfMatchNeeded = Annotated[str | None, HeaderParameter(name="If-Match", description="needed: the ETag of what you read")]


@dataclass(frozen=True)
class Services:
    """What the application stands on."""

    settings: Settings
    database: Database
    samples: Blobs
    bundles: Blobs
    hints: Hints
    feed: WaitingRoom
    keyring: Keyring
    sessions: Sessions
    streams: Streams


async def provide_services(state: State) -> Services:
    """The one set of services of this process."""
    services: Services = state.services
    return services


@dataclass(frozen=True)
class Visit:
    """A transaction, and who it is for."""

    tx: Transaction
    actor: Actor


async def provide_visit(request: AnyRequest, services: NamedDependency[Services]) -> AsyncGenerator[Visit, None]:
    """The request's transaction: committed after the handler and before the answer leaves.

    Who is asking is found inside, because what fails in a dependency of its own would never end the transaction.
    Raises KeyMissing, KeyUnknown, KeyRevoked.
    """
    async with services.database.transaction() as tx, naming_holders(tx):
        yield Visit(tx, await people.authenticate(tx, key_of(request)))


@asynccontextmanager
async def naming_holders(tx: Transaction) -> AsyncIterator[None]:
    """Whoever is told in this block that somebody holds a claim is told the name too."""
    try:
        yield
    except errors.ClaimHeld as problem:
        problem.holder_name = await people.name_of(tx, problem.holder)
        raise


async def provide_tx(visit: NamedDependency[Visit]) -> Transaction:
    """The visit's transaction."""
    return visit.tx


async def provide_actor(visit: NamedDependency[Visit]) -> Actor:
    """Who is asking."""
    return visit.actor


def key_of(request: AnyRequest) -> str:
    """The API key a request carries. Raises KeyMissing."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise errors.KeyMissing
    return key.strip()


async def authenticate(request: AnyRequest, services: Services) -> Actor:
    """Who is asking, in a transaction of its own: for requests that must not keep one open."""
    async with services.database.transaction() as tx:
        return await people.authenticate(tx, key_of(request))


def revision_held(if_match: str | None) -> int | None:
    """The revision in If-Match, if there is one. Raises RequestMalformed."""
    if if_match is None:
        return None
    found = re.fullmatch(r'\s*(?:W/)?"(\d{1,9})"\s*', if_match)
    if found is None:
        raise errors.RequestMalformed(reason='If-Match must be the ETag as it was sent, for example "7"')
    return int(found[1])


async def provide_held(request: AnyRequest, if_match: IfMatchNeeded = None) -> int:
    """The revision that a deciding write is based on. Raises IfMatchMissing."""
    held = revision_held(if_match)
    if held is None:
        raise errors.IfMatchMissing(what="change" if "/changes/" in request.url.path else "submission")
    return held


_SPOKEN_OF = {"CH": "change", "EX": "extra", "GR": "gate run", "CT": "text"}


def spoken(prefix: str, identifier: str) -> str:
    """An identifier as it may have been typed or heard. Raises NotFound for what cannot be one."""
    try:
        return read_identifier(prefix, identifier)
    except IdentifierInvalid as error:
        raise errors.NotFound(what=_SPOKEN_OF.get(prefix, "submission"), id=identifier[:60]) from error


def etag(revision: int) -> dict[str, str]:
    """The header that If-Match gives back."""
    return {"ETag": f'"{revision}"'}
