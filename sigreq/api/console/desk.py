"""What every page passes: who is signed in, their transaction, and the form they sent, checked to be ours."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Response
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.response import Redirect

from sigreq.access import sign_in
from sigreq.api.console.pages import HEADERS, Pages
from sigreq.api.doorway import AnyRequest, Services
from sigreq.domain.people import Actor, Language, Permission, require
from sigreq.domain.sign_in_errors import FormForeign, SignInNeeded, SignInUnsafe
from sigreq.sessions import SignedIn
from sigreq.tables.people import Person
from sigreq.transaction import Transaction

Form = Mapping[str, str]
WRITTEN = "written"
"""Under this name a request remembers what was written, for the same page."""
VISITOR = "visitor"
"""Under this name a request remembers whose it is, for the page that says what went wrong."""


@dataclass(frozen=True)
class Visitor:
    """Who is signed in, and what they ask for."""

    tx: Transaction
    actor: Actor
    person: Person
    session: SignedIn
    pages: Pages
    path: str
    query: Form
    form: Form = field(default_factory=dict)
    has_keys: bool = True

    def may(self, permission: Permission) -> None:
        """Let those through who may. Raises WrongRole."""
        require(self.actor, permission)

    def page(self, template: str, *, status_code: int = 200, **context: Any) -> Response[str]:
        """A page for this visitor."""
        mine = {"me": self.actor, "form_token": self.session.form_token, "path": self.path, "now": self.tx.at}
        mine["has_keys"] = self.has_keys
        return self.pages.answer(template, self.person.language, {**mine, **context}, status_code=status_code)


@dataclass(frozen=True)
class Arrival:
    """A request of somebody signed in, with no transaction open: for pages that have to wait for something else."""

    request: AnyRequest
    services: Services
    session: SignedIn
    pages: Pages
    form: Form

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Visitor]:
        """The visitor with a transaction, committed at the end of the block. Raises SignInNeeded."""
        async with self.services.database.transaction() as tx:
            yield await visitor_of(self.request, self.session, tx, self.pages, self.form)


async def provide_arrival(request: AnyRequest, services: NamedDependency[Services], state: State) -> Arrival:
    """Who comes with which session, and the form they sent. Raises SignInNeeded, FormForeign."""
    session = await find_session(request, services)
    form = await read_form(request)
    if is_write(request):
        check_form(request, session, form)
    return Arrival(request, services, session, state.pages, form)


async def provide_visitor(
    request: AnyRequest, services: NamedDependency[Services], state: State
) -> AsyncGenerator[Visitor, None]:
    """The visitor with the request's transaction, committed after the handler and before the page leaves.

    Raises SignInNeeded, FormForeign.
    """
    arrival = await provide_arrival(request, services, state)
    async with arrival.visit() as visitor:
        yield visitor


async def visitor_of(
    request: AnyRequest, session: SignedIn, tx: Transaction, pages: Pages, form: Form | None = None
) -> Visitor:
    """Whose session it is, as they are now. Raises SignInNeeded."""
    found = await sign_in.who(tx, session)
    if found is None:
        raise SignInNeeded
    person, actor = found
    asked = {name: value for name, value in request.query_params.items() if value.strip()}
    visitor = Visitor(tx, actor, person, session, pages, _page_of(request), asked, form or {}, has_keys(request))
    request.state[VISITOR] = visitor
    return visitor


def _page_of(request: AnyRequest) -> str:
    """Where the visitor is; a form that was sent is answered at an address where no page is, so then where it was."""
    return came_from(request).partition("?")[0] if is_write(request) else request.url.path


def came_from(request: AnyRequest) -> str:
    """The page of ours, with its query, on which a link or a form was; the first page where the browser names none.

    A form that was refused is shown at the address that took it, where no page can be opened: then the nearest above.
    """
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:  # no address at all
        return "/"
    if page.netloc != request.headers.get("host"):
        return "/"
    path = _page_at(request, local(page.path))
    return f"{path}?{page.query}" if page.query and path == page.path else path


def _page_at(request: AnyRequest, path: str) -> str:
    while path != "/":
        try:
            request.app.asgi_router.handle_routing(path, "GET")
        except (NotFoundException, MethodNotAllowedException):
            path = path.rpartition("/")[0] or "/"
        else:
            break
    return path


async def find_session(request: AnyRequest, services: Services) -> SignedIn:
    """The session that a browser names. Raises SignInNeeded."""
    token = request.cookies.get(cookie_name(request, "session"))
    session = await services.sessions.find(token, is_used=not _is_by_itself(request)) if token else None
    if session is None:
        raise SignInNeeded
    return session


def _is_by_itself(request: AnyRequest) -> bool:
    """Whether an open page asks without anybody at it: it listens, or it is told or waits to look anew."""
    is_listening = "text/event-stream" in request.headers.get("accept", "") or request.url.path.endswith("/events")
    return is_listening or (not is_write(request) and "hx-request" in request.headers)


async def read_form(request: AnyRequest) -> dict[str, str]:
    """What was filled in; a form field that was left empty is not there."""
    if not is_write(request):
        return {}
    sent = await request.form()
    texts = ((name, value) for name, value in sent.multi_items() if isinstance(value, str))
    return {name: value.replace("\r\n", "\n") for name, value in texts if value.strip()}


def is_write(request: AnyRequest) -> bool:
    """Whether something may change."""
    return request.method not in {"GET", "HEAD"}


def check_form(request: AnyRequest, session: SignedIn, form: Form) -> None:
    """Take a form only from our own page, opened in this very session. Raises FormForeign."""
    check_origin(request)
    request.state[WRITTEN] = form  # not before: another site shall not put its words on a page of ours
    if form.get("form_token") != session.form_token:
        raise FormForeign


def check_origin(request: AnyRequest) -> None:
    """Refuse what another site's page has a browser send; what is no browser names neither. Raises FormForeign."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    is_ours = origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
    if site not in {"same-origin", "none"} or not is_ours:
        raise FormForeign


def is_encrypted(request: AnyRequest) -> bool:
    """Whether the browser's connection is https, also when a proxy that we trust says so."""
    return str(request.url.scheme) == "https"


def check_safe(request: AnyRequest) -> None:
    """Let no password travel readable over a network. Raises SignInUnsafe."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not is_encrypted(request) and not _is_this_machine(host):
        raise SignInUnsafe(host=host[:100])


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def cookie_name(request: AnyRequest, purpose: str) -> str:
    """`__Host-` binds a cookie to https and to this very host.

    Over plain http, which is for this machine alone, a browser may refuse such a name, so the name does not claim it.
    """
    return f"__Host-sigreq-{purpose}" if is_encrypted(request) else f"sigreq-{purpose}"


def cookie(request: AnyRequest, purpose: str, value: str, max_age: int | None = None) -> Cookie:
    """A cookie that no script reads, no other site has sent, and that leaves encrypted connections never."""
    return Cookie(
        key=cookie_name(request, purpose),
        value=value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_encrypted(request),
        max_age=max_age,
    )


def has_keys(request: AnyRequest) -> bool:
    """Whether single letters act in this browser: a choice, as WCAG 2.1.4 asks, that it keeps itself."""
    return request.cookies.get(cookie_name(request, "keys")) != "off"


def go(path: str, cookies: list[Cookie] | None = None) -> Redirect:
    """To another page, with GET."""
    return Redirect(path, status_code=303, headers=HEADERS, cookies=cookies)


def sign_in_address(request: AnyRequest) -> str:
    """Where to sign in, to come back afterwards: here, or to the page whose form was sent."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = came_from(request) if is_write(request) else here
    return f"/sign-in?next={quote(wanted, safe='/')}" if wanted != "/" else "/sign-in"


def local(path: str | None) -> str:
    """A path of ours to go to; anything else becomes the first page, so that no link can lead away through us."""
    is_ours = path is not None and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path is not None and path.isprintable() and "\\" not in path else "/"


def language_of(request: AnyRequest) -> Language:
    """The language of somebody who has not signed in, as their browser asks."""
    wanted = [each.split(";")[0].strip().lower() for each in request.headers.get("accept-language", "").split(",")]
    known = [Language(each[:2]) for each in wanted if each[:2] in set(Language)]
    return known[0] if known else Language.ENGLISH
