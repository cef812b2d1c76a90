"""The console's pages, and what they show when something goes wrong."""

from typing import Any

import structlog
from litestar import MediaType, Response, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException, ValidationException

from sigreq.api import problems
from sigreq.api.console import access, case, change, entrance, file, portal, queue, rules, submitting, texts
from sigreq.api.console.assets import read_asset
from sigreq.api.console.desk import (
    VISITOR,
    WRITTEN,
    Visitor,
    came_from,
    go,
    is_write,
    language_of,
    provide_arrival,
    provide_visitor,
    sign_in_address,
)
from sigreq.api.console.pages import Pages
from sigreq.api.console.words import WORDS
from sigreq.api.doorway import AnyRequest
from sigreq.domain.errors import Problem
from sigreq.domain.people import Language
from sigreq.domain.sign_in_errors import SignInNeeded

log = structlog.get_logger()


def console() -> Router:
    """Every page. None of them is part of the API's description."""
    return Router(
        "/",
        route_handlers=[
            read_asset,
            *entrance.ROUTES,
            *queue.ROUTES,
            *rules.ROUTES,
            *texts.ROUTES,
            *case.ROUTES,
            *file.ROUTES,
            *change.ROUTES,
            *submitting.ROUTES,
            *portal.ROUTES,
            *access.ROUTES,
        ],
        dependencies={"visitor": Provide(provide_visitor), "arrival": Provide(provide_arrival)},
        exception_handlers={
            SignInNeeded: on_sign_in_needed,
            Problem: on_problem,
            ValidationException: on_http,
            HTTPException: on_http,
            ExceptionGroup: on_group,
            Exception: on_crash,
        },
        include_in_schema=False,
    )


def on_sign_in_needed(request: AnyRequest, _: SignInNeeded) -> Response[Any]:
    """To the form, and back here afterwards.

    A part of an open page must not become the form: what only reads makes the page load anew, and that leads to it;
    what writes changes nothing on the page, so that nothing written is lost.
    """
    if "HX-Request" not in request.headers:
        return go(sign_in_address(request))
    refresh = {} if is_write(request) else {"HX-Refresh": "true"}
    return Response("", status_code=401, media_type="text/html", headers=refresh)


def on_problem(request: AnyRequest, problem: Problem) -> Response[str]:
    """A fact of ours, with what was written, so that nothing is lost."""
    pages: Pages = request.app.state.pages
    return problem_page(request, pages.status(problem), pages.told(problem, _language(request)))


def on_http(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What Litestar itself refuses, in a sentence of ours: its own is for programs, and English."""
    return problem_page(request, error.status_code, _refusal(request, error.status_code))


def on_nowhere(request: AnyRequest, error: NotFoundException) -> Response[Any]:
    """An address that nobody answers at: a page for who looks with a browser, and a problem for programs."""
    is_looking = request.accept.best_match([MediaType.JSON, MediaType.HTML], default=MediaType.JSON) == MediaType.HTML
    return on_http(request, error) if is_looking else problems.on_http(request, error)


def on_group(request: AnyRequest, group: ExceptionGroup[Exception]) -> Response[Any]:
    """What Litestar makes of an error that the request's transaction turned into a fact of ours."""
    first = group.exceptions[0]
    if isinstance(first, SignInNeeded):
        return on_sign_in_needed(request, first)
    return on_problem(request, first) if isinstance(first, Problem) else on_crash(request, group)


def on_crash(request: AnyRequest, error: Exception) -> Response[Any]:
    """Our fault: logged with its cause, told without it."""
    log.error("page.crashed", handler=str(request.route_handler), exc_info=error)
    return problem_page(request, 500, _refusal(request, 500))


def problem_page(request: AnyRequest, status: int, message: str) -> Response[str]:
    """A page that says what was wrong, keeps what was written, and leads back.

    It is the visitor's own, once we know whose visit it is.
    """
    sent = request.state.get(WRITTEN) or {}
    written = {name: sent[name] for name in WORDS["written"] if name in sent}
    context = {"status": status, "message": message, "back": _back(request), "written": written}
    visitor: Visitor | None = request.state.get(VISITOR)
    if visitor is not None:
        return visitor.page("problem.html", status_code=status, **context)
    nobodys = {"me": None, "path": request.url.path, **context}
    pages: Pages = request.app.state.pages
    return pages.answer("problem.html", language_of(request), nobodys, status_code=status)


def _language(request: AnyRequest) -> Language:
    visitor: Visitor | None = request.state.get(VISITOR)
    return visitor.person.language if visitor is not None else language_of(request)


def _back(request: AnyRequest) -> str:
    """Where a refused form or link was, or the first page."""
    before = came_from(request)
    is_itself = not is_write(request) and before.partition("?")[0] == request.url.path
    return "/" if is_itself else before


def _refusal(request: AnyRequest, status: int) -> str:
    pages: Pages = request.app.state.pages
    known = str(status) if str(status) in WORDS["refusal"] else "400" if status < 500 else "500"  # noqa: PLR2004 - from there on it is our fault
    return pages.word("refusal", known, _language(request))
