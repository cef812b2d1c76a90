"""Signing in and out, and setting a password by a link."""

from typing import Annotated

from litestar import Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from sigreq.access import sign_in as use
from sigreq.api.console.desk import (
    Form,
    Visitor,
    check_form,
    check_origin,
    check_safe,
    cookie,
    cookie_name,
    find_session,
    go,
    language_of,
    local,
    read_form,
)
from sigreq.api.console.forms import one_of
from sigreq.api.doorway import AnyRequest, Services, spoken
from sigreq.domain.errors import Problem
from sigreq.domain.passwords import SHORTEST
from sigreq.domain.people import Language, Permission, Role
from sigreq.domain.sign_in_errors import PasswordUnfit, SignInTooOften, SignInWrong
from sigreq.sessions import DEVICE_LIVES
from sigreq.store import passwords, people

STATUS = {SignInWrong: 403, SignInTooOften: 429}


@get("/sign-in")
async def show_sign_in(
    request: AnyRequest, state: State, wanted: Annotated[str | None, QueryParameter(name="next")] = None
) -> Response[str]:
    """The form; afterwards the browser is sent to `next`."""
    context: dict[str, object] = {"next": local(wanted), "problem": None, "login": ""}
    return _answer(request, state, "sign_in.html", context)


@post("/sign-in")
async def sign_in(request: AnyRequest, services: NamedDependency[Services], state: State) -> Response[str] | Redirect:
    """Begin a session. Raises SignInUnsafe, FormForeign."""
    check_safe(request)
    check_origin(request)
    form = await read_form(request)
    address = request.client.host if request.client else ""
    device = request.cookies.get(cookie_name(request, "device"))
    tried = use.Try(form.get("login", ""), form.get("password", ""), address, device)
    wanted = local(form.get("next"))
    try:
        entered = await use.sign_in(services.database, services.sessions, tried)
    except (SignInWrong, SignInTooOften) as problem:
        context: dict[str, object] = {"next": wanted, "problem": problem, "login": tried.login}
        return _answer(request, state, "sign_in.html", context, status_code=STATUS[type(problem)])
    return _enter(request, entered, wanted)


@post("/sign-out")
async def sign_out(request: AnyRequest, services: NamedDependency[Services]) -> Redirect:
    """End the session."""
    session = await find_session(request, services)
    check_form(request, session, await read_form(request))
    await services.sessions.end(request.cookies[cookie_name(request, "session")])
    return go("/sign-in", [cookie(request, "session", "", max_age=0)])


@get("/password/{token:str}")
async def show_password(
    request: AnyRequest, token: FromPath[str], services: NamedDependency[Services], state: State
) -> Response[str]:
    """The form behind a link. Raises PasswordLinkUnknown, PasswordLinkUsed, PasswordLinkExpired."""
    async with services.database.transaction() as tx:
        login = (await passwords.usable(tx, token)).login
    return _password_form(request, state, login)


@post("/password/{token:str}")
async def set_password(
    request: AnyRequest, token: FromPath[str], services: NamedDependency[Services], state: State
) -> Response[str] | Redirect:
    """Set the password, and sign in with it."""
    check_safe(request)
    check_origin(request)
    form = await read_form(request)
    try:
        password = _entered_twice(form)
        row = await use.set_password(services.database, token, password)
    except PasswordUnfit as problem:
        async with services.database.transaction() as tx:
            login = (await passwords.usable(tx, token)).login
        return _password_form(request, state, login, problem)
    return _enter(request, await use.enter(services.sessions, row), "/")


@get("/")
async def home(visitor: NamedDependency[Visitor]) -> Redirect:
    """The first page of somebody's day."""
    places = {Role.CUSTOMER: "/portal", Role.RELEASE: "/me"}
    return go(places.get(visitor.actor.role, "/queue"))


@get("/submissions/{case:str}")
async def find_case(visitor: NamedDependency[Visitor], case: FromPath[str]) -> Redirect:
    """Where the links of our e-mails lead: to the page that the reader has of a case."""
    visitor.may(Permission.SEE_SUBMISSIONS)
    folder = "cases" if visitor.actor.is_staff else "portal"
    return go(f"/{folder}/{spoken('SR', case)}")


@get("/me")
async def show_me(visitor: NamedDependency[Visitor]) -> Response[str]:
    """Who somebody is here. Open to everybody who is signed in."""
    return visitor.page("me.html", person=visitor.person)


@post("/me/keys")
async def set_keys(request: AnyRequest, visitor: NamedDependency[Visitor]) -> Redirect:
    """Whether single letters act in this browser from now on; the choice goes with the browser, not the person."""
    chosen = "off" if visitor.form.get("keys") == "off" else "on"
    lives = int(DEVICE_LIVES.total_seconds())
    return go("/me", [cookie(request, "keys", chosen, max_age=lives)])


@post("/language")
async def set_language(visitor: NamedDependency[Visitor]) -> Redirect:
    """Pages and mail in another language from now on. Raises RequestMalformed."""
    row = await people.person(visitor.tx, visitor.actor.person_id)
    people.set_contact(row, row.email, one_of(Language, visitor.form.get("language")) or Language.ENGLISH)
    return go(local(visitor.form.get("next")))


def _entered_twice(form: Form) -> str:
    password = form.get("password", "")
    if password != form.get("again"):
        raise PasswordUnfit(reason="the two entries differ")
    return password


def _enter(request: AnyRequest, entered: use.Entered, path: str) -> Redirect:
    lives = int(DEVICE_LIVES.total_seconds())
    known = cookie(request, "device", entered.device, max_age=lives)
    return go(path, [cookie(request, "session", entered.token), known])


def _password_form(request: AnyRequest, state: State, login: str, problem: Problem | None = None) -> Response[str]:
    context = {"login": login, "shortest": SHORTEST, "problem": problem}
    return _answer(request, state, "password.html", context, status_code=422 if problem else 200)


def _answer(
    request: AnyRequest, state: State, template: str, context: dict[str, object], status_code: int = 200
) -> Response[str]:
    answer: Response[str] = state.pages.answer(
        template, language_of(request), {"me": None, "path": request.url.path, **context}, status_code=status_code
    )
    return answer


ROUTES = [
    show_sign_in,
    sign_in,
    sign_out,
    show_password,
    set_password,
    home,
    find_case,
    show_me,
    set_keys,
    set_language,
]
