"""The console's pages, and what they show when something goes wrong."""

from typing import Any

import structlog
from litestar import Response, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException

from sigreq.api.console import access, case, change, entrance, file, portal, queue, rules, submitting, texts
from sigreq.api.console.assets import read_asset
from sigreq.api.console.desk import (
    VISITOR,
    Visitor,
    go,
    is_write,
    language_of,
    provide_arrival,
    provide_visitor,
    sign_in_address,
)
from sigreq.api.console.pages import Pages
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
    """What Litestar itself refuses."""
    return problem_page(request, error.status_code, error.detail)


def on_group(request: AnyRequest, group: ExceptionGroup[Exception]) -> Response[Any]:
    """What Litestar makes of an error that the request's transaction turned into a fact of ours."""
    first = group.exceptions[0]
    if isinstance(first, SignInNeeded):
        return on_sign_in_needed(request, first)
    return on_problem(request, first) if isinstance(first, Problem) else on_crash(request, group)


def on_crash(request: AnyRequest, error: Exception) -> Response[Any]:
    """Our fault: logged with its cause, told without it."""
    log.error("page.crashed", handler=str(request.route_handler), exc_info=error)
    return problem_page(request, 500, "Something broke on our side. It is logged; please try again.")


def problem_page(request: AnyRequest, status: int, message: str) -> Response[str]:
    """A page that says what was wrong, and leads back: the visitor's own, once we know whose visit it is."""
    context = {"status": status, "message": message, "back": _back(request)}
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
    """Where a refused form was, or the first page."""
    path = str(request.url.path)
    return path.rpartition("/")[0] or "/" if is_write(request) else "/"
