"""Errors to HTTP: the one table of statuses, and RFC 9457 problem documents for everything that is not 2xx."""

from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions import NotFoundException as RouteNotFound

from sigreq.domain import (
    contract_errors,
    corpus_errors,
    database_errors,
    errors,
    list_errors,
    release_errors,
    sign_in_errors,
)
from sigreq.domain.errors import Problem

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
SENT_AS = {"in_state": "state", "on_track": "track"}  # Litestar reports the handler's name of a query parameter
STATUSES: dict[type[Problem], int] = {
    errors.KeyMissing: 401,
    errors.KeyUnknown: 401,
    errors.KeyRevoked: 401,
    sign_in_errors.SignInNeeded: 401,
    errors.WrongRole: 403,
    sign_in_errors.SignInWrong: 403,
    sign_in_errors.SignInUnsafe: 403,
    sign_in_errors.FormForeign: 403,
    release_errors.FourEyes: 403,
    release_errors.OwnProposal: 403,
    errors.NotFound: 404,
    errors.RequestMalformed: 400,
    errors.FieldInvalid: 422,
    errors.SampleMissing: 422,
    errors.SampleEmpty: 422,
    errors.SampleTooLarge: 413,
    errors.SamplesTooMany: 422,
    errors.HashMismatch: 422,
    database_errors.ProductUnknown: 422,
    database_errors.DatabaseOutdated: 422,
    database_errors.DatabaseWithdrawn: 422,
    database_errors.DatabaseVersionUnknown: 422,
    database_errors.DatabaseVersionUnreadable: 422,
    database_errors.DatabaseMissing: 422,
    errors.IdempotencyKeyReused: 422,
    errors.IfMatchMissing: 428,
    errors.RevisionStale: 412,
    errors.StateForbids: 409,
    errors.ClaimHeld: 409,
    errors.ClaimLapsed: 409,
    errors.GroupForeign: 403,
    errors.AnotherAnalystNeeded: 409,
    errors.DeterminationUnfit: 422,
    errors.VerdictUnfit: 422,
    errors.ReasonMissing: 422,
    errors.AddressPrivate: 422,
    errors.WebhookMissing: 409,
    release_errors.ChangeUnfit: 422,
    release_errors.KnownMalware: 422,
    release_errors.KnownClean: 422,
    release_errors.ArchiveHoldsDetected: 422,
    release_errors.ExtraUnfit: 422,
    release_errors.BaseReplaced: 409,
    release_errors.GatePassStale: 409,
    release_errors.TrainNotGated: 409,
    release_errors.CursorAhead: 409,
    release_errors.CursorForeign: 409,
    release_errors.CursorTooOld: 410,
    errors.CursorInvalid: 422,
    release_errors.ReleaseExists: 409,
    release_errors.OrdinalNotHigher: 409,
    release_errors.ChangeUnknown: 422,
    release_errors.ChangeNotInRuleset: 422,
    release_errors.FixDropped: 422,
    release_errors.RollbackUnfit: 422,
    release_errors.RulesetUnfit: 422,
    release_errors.TrainScheduleUnfit: 422,
    errors.AlreadyExists: 409,
    list_errors.ListFull: 409,
    contract_errors.ContractsOverlap: 409,
    corpus_errors.CorpusSourceClosed: 409,
    corpus_errors.CorpusMalware: 422,
    contract_errors.ContractBackwards: 422,
    contract_errors.CalendarUnfit: 422,
    contract_errors.CallOutOfTime: 422,
    sign_in_errors.PasswordUnfit: 422,
    sign_in_errors.PasswordLinkUnknown: 404,
    sign_in_errors.PasswordLinkExpired: 410,
    sign_in_errors.PasswordLinkUsed: 410,
    sign_in_errors.SignInTooOften: 429,
    errors.DeliveriesTooMany: 429,
    errors.StreamsTooMany: 429,
    contract_errors.UploadLinkUnknown: 404,
    contract_errors.UploadLinkExpired: 410,
    contract_errors.UploadLinkUsed: 410,
    errors.CaseFailed: 503,
    errors.ServiceUnavailable: 503,
}


def document(code: str, status: int, detail: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """One shape for all problems. `code` is what programs switch on; `type` is the same as a URN."""
    about = {"type": f"urn:sigreq:problem:{code}", "title": code.replace("_", " ").capitalize()}
    return {**about, "status": status, "detail": detail, "code": code, **(data or {})}


def _answer(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Response[dict[str, Any]]:
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def on_problem(_: Request[Any, Any, Any], problem: Problem) -> Response[dict[str, Any]]:
    """A fact of ours."""
    status = STATUSES[type(problem)]
    headers: dict[str, str] = {}
    if isinstance(problem, errors.ServiceUnavailable):
        headers["Retry-After"] = str(problem.retry_after_seconds)
    if isinstance(problem, release_errors.CursorTooOld):
        headers["Location"] = f"/v1/feed/snapshot?product={quote(problem.product)}"
    if status == 401:  # noqa: PLR2004 - RFC 9110 asks for the challenge with this status
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(status, document(problem.code, status, problem.message, problem.data), headers)


def invalid_fields(problems: list[dict[str, Any]]) -> errors.FieldInvalid:
    """One error that names every field that is wrong."""
    problems = [{**each, "problem": each["problem"].removeprefix("Value error, ")} for each in problems]
    summary = "; ".join(f"{each['field']}: {each['problem']}" for each in problems)
    return errors.FieldInvalid(summary=summary[:1000], problems=problems)


def on_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[dict[str, Any]]:
    """Litestar's findings about a body or a query, in our shape."""
    found = error.extra if isinstance(error.extra, list) else []
    problems = [
        {"field": "body", "problem": "a JSON object is needed"}
        if each.get("key") == "data"
        else {"field": SENT_AS.get(each.get("key", ""), each.get("key")) or "body", "problem": each["message"]}
        for each in found
        if isinstance(each, dict)
    ]
    return on_problem(request, invalid_fields(problems or [{"field": "request", "problem": error.detail}]))


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """What Litestar itself refuses: unknown path, wrong method, unreadable body, body too large."""
    if isinstance(error, RouteNotFound):
        return _answer(
            404, document("address_unknown", 404, "There is nothing at this address; /schema lists what is.")
        )
    codes = {400: "request_malformed", 405: "method_not_allowed", 413: "request_too_large", 415: "media_type_unknown"}
    code = codes.get(error.status_code, "request_refused")
    return _answer(error.status_code, document(code, error.status_code, _told(request, error)), error.headers)


def _told(request: Request[Any, Any, Any], error: HTTPException) -> str:
    """What Litestar means, and what is allowed."""
    match error.status_code:
        case 400:
            return f"The body cannot be read as JSON: {error.detail}."
        case 405:
            return f"{request.method} is not possible here; possible are: {(error.headers or {}).get('allow')}."
        case 413:
            limit = request.route_handler.resolve_request_max_body_size()
            return f"The body is over the limit of {limit} bytes for this address."
    return error.detail


def on_nesting(request: Request[Any, Any, Any], _: RecursionError) -> Response[dict[str, Any]]:
    """JSON of some thousand levels, at which its reader gives up."""
    return on_problem(request, errors.RequestMalformed(reason="its JSON is nested too deeply"))


def on_group(request: Request[Any, Any, Any], group: ExceptionGroup[Exception]) -> Response[dict[str, Any]]:
    """What Litestar makes of an error that the request's transaction turned into a fact of ours."""
    first = group.exceptions[0]
    return on_problem(request, first) if isinstance(first, Problem) else on_crash(request, group)


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Our fault: logged with its cause, told without it."""
    log.error("request.crashed", handler=str(request.route_handler), exc_info=error)
    return _answer(500, document("internal_error", 500, "Something broke on our side. It is logged; please try again."))
