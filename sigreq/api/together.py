"""One bad rule, many cases: what it hit, and one answer for all of them, with a result for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import structlog
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from pydantic import Field, model_validator

from sigreq.api.doorway import AnyRequest, Services, authenticate, naming_holders, spoken
from sigreq.api.problems import STATUSES, document
from sigreq.api.schemas import AnswerIn, DetermineIn, Line, Strict
from sigreq.api.submissions import MAX_PAGE
from sigreq.domain import errors
from sigreq.domain.errors import Problem
from sigreq.domain.people import Actor, Permission, require
from sigreq.review import together
from sigreq.review.decisions import Answer, Conclusion
from sigreq.review.together import Chosen
from sigreq.store import groups, rules_hit
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction, is_conflict

log = structlog.get_logger()
MOST = 100


class ChosenIn(Strict):
    """A case, and the revision you read."""

    id: Line
    revision: Annotated[int, Field(ge=1, lt=2**31)]


class TogetherIn(Strict):
    """Some cases, and either an answer or a conclusion for all of them."""

    cases: Annotated[list[ChosenIn], Field(min_length=1, max_length=MOST)]
    answer: AnswerIn | None = None
    determine: DetermineIn | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.answer is None) == (self.determine is None):
            raise ValueError("send either answer or determine")
        if len({each.id for each in self.cases}) < len(self.cases):
            raise ValueError("cases names one of them twice")
        return self


@dataclass(frozen=True)
class Result:
    """What became of one case: it moved, or what was in the way."""

    submission_id: str
    row: Submission | None = None
    problem: Problem | None = None

    @property
    def outcome(self) -> str:
        """`moved`; `changed` since it was read; `held` by somebody else; or `refused`."""
        match self.problem:
            case None:
                return "moved"
            case errors.RevisionStale() | errors.StateForbids():
                return "changed"
            case errors.ClaimHeld():
                return "held"
        return "refused"


async def decide_each(
    services: Services, actor: Actor, chosen: Sequence[Chosen], said: Answer | Conclusion
) -> list[Result]:
    """Decide each case in a transaction of its own, in this order; what one is refused for stops none of the others.

    Only an outage does: then all that follow are given back as not done.
    """
    results: list[Result] = []
    outage: Problem | None = None
    for each in chosen:
        result = Result(each.submission_id, problem=outage) if outage else await _decide(services, actor, each, said)
        if isinstance(result.problem, errors.ServiceUnavailable) and not is_conflict(result.problem):
            outage = result.problem
        results.append(result)
    return results


async def _decide(services: Services, actor: Actor, chosen: Chosen, said: Answer | Conclusion) -> Result:
    """Once more where another transaction was in the way. What is our fault is refused too: others have moved."""
    try:
        result = await _decide_once(services, actor, chosen, said)
        if isinstance(result.problem, errors.ServiceUnavailable) and is_conflict(result.problem):
            return await _decide_once(services, actor, chosen, said)
    except Exception:
        log.exception("together.crashed", submission=chosen.submission_id)
        return Result(chosen.submission_id, problem=errors.CaseFailed(id=chosen.submission_id))
    return result


async def _decide_once(services: Services, actor: Actor, chosen: Chosen, said: Answer | Conclusion) -> Result:
    try:
        case = Chosen(spoken("SR", chosen.submission_id), chosen.held)
        async with services.database.transaction() as tx, naming_holders(tx):
            row = await together.decide(tx, actor, case, said, services.settings.analysis.claim)
    except Problem as problem:
        return Result(chosen.submission_id, problem=problem)
    return Result(row.id, row)


@get("/v1/queue/rules", summary="Cases to answer, counted by the rule that hit them")
async def read_rules(
    tx: NamedDependency[Transaction], actor: NamedDependency[Actor], limit: FromQuery[int] = 50
) -> dict[str, Any]:
    """Of your groups: how many wait, how many somebody has, and when the first answer is due."""
    require(actor, Permission.SEE_QUEUE)
    found = await rules_hit.groups(tx, await groups.of(tx, actor), max(1, min(limit, MAX_PAGE)))
    items = [
        {"rule": each.rule, "waiting": each.waiting, "held": each.held, "due_at": each.due_at.isoformat()}
        for each in found
    ]
    return {"items": items}


@post("/v1/queue/decide", status_code=200, summary="Answer many cases as one")
async def decide_together(
    data: JSONBody[TogetherIn], request: AnyRequest, services: NamedDependency[Services]
) -> dict[str, Any]:
    """Each case is claimed and decided by itself, by the rules that hold for one; `result` says what became of it.

    `moved`, `changed` (since the revision you named), `held` (by somebody else) or `refused`; `problem` says why.
    Sent again, what has moved is `changed`: no case is answered twice.
    """
    actor = await authenticate(request, services)
    require(actor, Permission.DECIDE)
    chosen = [Chosen(each.id, each.revision) for each in data.cases]
    return {"items": [_told(each) for each in await decide_each(services, actor, chosen, _said(services, data))]}


def _said(services: Services, data: TogetherIn) -> Answer | Conclusion:
    if data.answer is not None:
        return Answer(data.answer.message, data.answer.is_qualified, services.settings.analysis.claim)
    assert data.determine is not None  # noqa: S101 - the schema wants one of them
    return Conclusion(data.determine.determination, data.determine.final_verdict, data.determine.message)


def _told(result: Result) -> dict[str, Any]:
    problem = result.problem
    return {
        "id": result.submission_id,
        "result": result.outcome,
        "state": result.row.state if result.row else None,
        "revision": result.row.revision if result.row else None,
        "problem": document(problem.code, STATUSES[type(problem)], problem.message, problem.data) if problem else None,
    }


ROUTES = [read_rules, decide_together]
