"""The analyst's side: the queue, claims, questions, answers, conclusions."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import to_builtins

from sigreq.api.doorway import Services, spoken
from sigreq.api.schemas import AnswerIn, DetermineIn, ExamineIn, OptionalReason, Reason, SeverityIn
from sigreq.api.submissions import MAX_PAGE, seen_by, shown
from sigreq.domain.people import Actor, Permission, require
from sigreq.domain.submission import Severity
from sigreq.review import claims, decisions
from sigreq.store import groups, queues
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from sigreq.validation import again


@get("/v1/queue", summary="Waiting cases in their order")
async def read_queue(
    tx: NamedDependency[Transaction], actor: NamedDependency[Actor], limit: FromQuery[int] = 50
) -> dict[str, Any]:
    """Guaranteed answers past their warning point, then other MSA cases, then standard ones."""
    require(actor, Permission.SEE_QUEUE)
    view = queues.View(await groups.of(tx, actor))
    rows = await queues.waiting(tx, view, max(1, min(limit, MAX_PAGE)))
    seen = await seen_by(tx, actor, rows)
    return {"items": [{**to_builtins(view), **_left(row, tx)} for view, row in zip(seen, rows, strict=True)]}


def _left(row: Submission, tx: Transaction) -> dict[str, int]:
    """Seconds until the answer is due; negative when it is late."""
    return {"seconds_left": int((row.due_at - tx.at).total_seconds())}


@post("/v1/queue/take", status_code=200, summary="Take the next case")
async def take(
    services: NamedDependency[Services], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> Response[Any]:
    """204 when nothing waits for you."""
    require(actor, Permission.DECIDE)
    row = await claims.take_next(tx, actor, services.settings.analysis.claim)
    return Response(None, status_code=204) if row is None else await shown(tx, actor, row)


@post("/v1/submissions/{submission_id:str}/claim", status_code=200, summary="Claim this case")
async def claim(
    submission_id: FromPath[str],
    held: NamedDependency[int],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """A claim is a lease: every write of yours renews it, silence lets it lapse."""
    require(actor, Permission.DECIDE)
    length = services.settings.analysis.claim
    return await shown(tx, actor, await claims.claim(tx, actor, spoken("SR", submission_id), held, length))


@post("/v1/submissions/{submission_id:str}/give-back", status_code=200, summary="Give the case back")
async def give_back(
    submission_id: FromPath[str],
    data: JSONBody[OptionalReason],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """It returns to its place in the queue."""
    require(actor, Permission.DECIDE)
    return await shown(tx, actor, await claims.give_back(tx, actor, spoken("SR", submission_id), held, data.reason))


@post("/v1/submissions/{submission_id:str}/examine", status_code=200, summary="Have the files examined again")
async def examine(
    submission_id: FromPath[str],
    data: JSONBody[ExamineIn],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """Archives that no password opened, or what ran into a time limit; the result comes as `examined_again`."""
    require(actor, Permission.DECIDE)
    return await shown(tx, actor, await again.ask(tx, actor, spoken("SR", submission_id), held, data.archive_password))


@post("/v1/submissions/{submission_id:str}/ask", status_code=200, summary="Ask the customer")
async def ask(
    submission_id: FromPath[str],
    data: JSONBody[AnswerIn],
    held: NamedDependency[int],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """The case waits for their reply, which brings it back to you. `is_qualified`: you ask for all that is needed."""
    require(actor, Permission.DECIDE)
    said = decisions.Answer(data.message, data.is_qualified, services.settings.analysis.claim)
    return await shown(tx, actor, await decisions.ask(tx, actor, spoken("SR", submission_id), held, said))


@post("/v1/submissions/{submission_id:str}/answer", status_code=200, summary="Answer the customer")
async def answer(
    submission_id: FromPath[str],
    data: JSONBody[AnswerIn],
    held: NamedDependency[int],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """`is_qualified` stops the answer clock: an assigned specialist's answer with a preliminary analysis."""
    require(actor, Permission.DECIDE)
    said = decisions.Answer(data.message, data.is_qualified, services.settings.analysis.claim)
    return await shown(tx, actor, await decisions.answer(tx, actor, spoken("SR", submission_id), held, said))


@post("/v1/submissions/{submission_id:str}/determine", status_code=200, summary="Conclude")
async def determine(
    submission_id: FromPath[str],
    data: JSONBody[DetermineIn],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """Without need for a change the submission closes at once."""
    require(actor, Permission.DECIDE)
    said = decisions.Conclusion(data.determination, data.final_verdict, data.message)
    return await shown(tx, actor, await decisions.determine(tx, actor, spoken("SR", submission_id), held, said))


@post("/v1/submissions/{submission_id:str}/severity", status_code=200, summary="Change the severity")
async def severity(
    submission_id: FromPath[str],
    data: JSONBody[SeverityIn],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """Raising can only bring the due time forward; lowering needs a reason."""
    require(actor, Permission.DECIDE)
    new = Severity(data.severity)
    return await shown(
        tx, actor, await decisions.set_severity(tx, actor, spoken("SR", submission_id), held, new, data.reason)
    )


@post("/v1/submissions/{submission_id:str}/miss-reason", status_code=200, summary="Say why an answer was late")
async def miss_reason(
    submission_id: FromPath[str],
    data: JSONBody[Reason],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """For the attainment report."""
    require(actor, Permission.DECIDE)
    return await shown(
        tx, actor, await decisions.explain_miss(tx, actor, spoken("SR", submission_id), held, data.reason)
    )


ROUTES = [examine, read_queue, take, claim, give_back, ask, answer, determine, severity, miss_reason]
