"""One bad rule is answered once: the queue by the rule that hit, and one answer for the cases of a rule."""

from datetime import timedelta
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery

from sigreq.api.console.desk import Arrival, Form, Visitor
from sigreq.api.console.forms import read, revision
from sigreq.api.schemas import AnswerIn, DetermineIn
from sigreq.api.together import MOST, Result, decide_each
from sigreq.domain import errors
from sigreq.domain.errors import Problem
from sigreq.domain.lifecycle import State
from sigreq.domain.people import ALLOWED, Permission
from sigreq.domain.verdict import Verdict, fitting_determinations
from sigreq.review.decisions import Answer, Conclusion
from sigreq.review.together import Chosen
from sigreq.store import groups, people, rules_hit

RULES = 50
SOON = timedelta(hours=1)
# A checkbox for each case, and beside it a field that is sent whether or not the box is ticked: both hold the revision.
TICKED, SHOWN = "case-", "shown-"


@get("/queue/rules")
async def show_rules(visitor: NamedDependency[Visitor]) -> Response[str]:
    """The rules that hit cases which are to be answered, those with the most cases first."""
    visitor.may(Permission.SEE_QUEUE)
    found = await rules_hit.groups(visitor.tx, await groups.of(visitor.tx, visitor.actor), RULES)
    return visitor.page("rules.html", rules=found, limit=RULES)


@get("/queue/rules/cases")
async def show_cases(visitor: NamedDependency[Visitor], rule: FromQuery[str]) -> Response[str]:
    """The cases that one rule hit, with the form that answers those chosen."""
    visitor.may(Permission.SEE_QUEUE)
    return await _page(visitor, rule)


@post("/queue/rules/cases")
async def answer_cases(arrival: NamedDependency[Arrival], rule: FromQuery[str]) -> Response[str]:
    """Answer those chosen, each by itself, and show what became of each."""
    async with arrival.visit() as visitor:
        visitor.may(Permission.DECIDE)
        actor = visitor.actor
    results: list[Result] = []
    problem: Problem | None = None
    try:
        chosen, said = _chosen(arrival.form), _said(arrival)
        results = await decide_each(arrival.services, actor, chosen, said)
    except Problem as refused:
        problem = refused
    async with arrival.visit() as visitor:
        return await _page(visitor, rule, results, problem)


def _chosen(form: Form) -> list[Chosen]:
    """The cases that were ticked, or all that the page showed. Raises FieldInvalid, RequestMalformed."""
    before = SHOWN if form.get("everything") else TICKED
    found = {name.removeprefix(before): said for name, said in form.items() if name.startswith(before)}
    if not found:
        raise errors.FieldInvalid(
            summary="choose at least one case", problems=[{"field": "cases", "problem": "choose at least one"}]
        )
    if len(found) > MOST:
        raise errors.RequestMalformed(reason="more cases were chosen than a page shows")
    return [Chosen(case, revision(said)) for case, said in found.items()]


def _said(arrival: Arrival) -> Answer | Conclusion:
    """An answer, or a conclusion where one is chosen. Raises FieldInvalid."""
    if "determination" in arrival.form:
        sent = read(DetermineIn, arrival.form)
        return Conclusion(sent.determination, sent.final_verdict, sent.message)
    answer = read(AnswerIn, arrival.form)
    return Answer(answer.message, answer.is_qualified, arrival.services.settings.analysis.claim)


async def _page(
    visitor: Visitor, rule: str, results: list[Result] | None = None, problem: Problem | None = None
) -> Response[str]:
    """The cases of a rule. What was refused keeps its words in the form; what moved is told above it.

    A form that was refused whole stands on the revisions that were sent with it, so that a conflict is noticed as
    before. After results nothing is ticked: what did not move is to be looked at before it is chosen again.
    """
    tx, actor = visitor.tx, visitor.actor
    rows = await rules_hit.cases(tx, await groups.of(tx, actor), rule, MOST)
    holders = {row.analyst_id for row in rows if row.analyst_id and row.state is State.IN_ANALYSIS}
    is_done = bool(results) and all(each.problem is None for each in results or ())
    sent = visitor.form if problem else {}
    context: dict[str, Any] = {
        "rule": rule,
        "rows": [(row, row.due_at - tx.at) for row in rows],
        "held": {row.id: sent.get(f"{SHOWN}{row.id}", row.revision) for row in rows},
        "ticked": {row.id for row in rows if f"{TICKED}{row.id}" in sent},
        # A case that the refused page did not show is not answered with "all shown" unseen.
        "is_everything": "everything" in sent and all(f"{SHOWN}{row.id}" in sent for row in rows),
        "holders": {each: (await people.person(tx, each)).name for each in holders},
        "results": results or [],
        "problem": problem,
        "typed": {} if is_done else visitor.form,
        "may": actor.role in ALLOWED[Permission.DECIDE],
        "determinations": {kind: sorted(fitting_determinations(kind)) for kind in sorted({row.kind for row in rows})},
        "verdicts": list(Verdict),
        "limit": MOST,
        "soon": SOON,
    }
    return visitor.page("rule.html", status_code=visitor.pages.status(problem) if problem else 200, **context)


ROUTES = [show_rules, show_cases, answer_cases]
