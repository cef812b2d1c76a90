"""A case as analysts see it, and all they can do with it."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from sigreq.api import sample_views
from sigreq.api.console.acts import Act, Wish, carry_out, missed_since
from sigreq.api.console.desk import Visitor
from sigreq.api.console.file import tree
from sigreq.api.console.forms import held, one_of, read
from sigreq.api.console.happened import told_to_staff
from sigreq.api.doorway import Services, spoken
from sigreq.api.schemas import AnswerIn, DetermineIn, ExamineIn, SeverityIn
from sigreq.domain.changes import HELPFUL
from sigreq.domain.errors import Problem
from sigreq.domain.lifecycle import State
from sigreq.domain.people import ALLOWED, Permission
from sigreq.domain.submission import Severity
from sigreq.domain.verdict import Verdict, fitting_determinations
from sigreq.review import claims, decisions, texts
from sigreq.store import people, submissions
from sigreq.tables.submissions import Submission
from sigreq.validation import again, report

FILES = 50
LISTED = 50
SOON = timedelta(hours=1)


def _said(wish: Wish) -> decisions.Answer:
    """An answer or a question."""
    sent = read(AnswerIn, wish.visitor.form)
    return decisions.Answer(sent.message, sent.is_qualified, wish.claim)


async def _claim(wish: Wish) -> object:
    return await claims.claim(*wish.move, wish.claim)


async def _give_back(wish: Wish) -> object:
    return await claims.give_back(*wish.move, wish.reason_if_any)


async def _ask(wish: Wish) -> object:
    return await decisions.ask(*wish.move, _said(wish))


async def _answer(wish: Wish) -> object:
    return await decisions.answer(*wish.move, _said(wish))


async def _determine(wish: Wish) -> object:
    sent = read(DetermineIn, wish.visitor.form)
    return await decisions.determine(
        *wish.move, decisions.Conclusion(sent.determination, sent.final_verdict, sent.message)
    )


async def _severity(wish: Wish) -> object:
    sent = read(SeverityIn, wish.visitor.form)
    return await decisions.set_severity(*wish.move, Severity(sent.severity), sent.reason)


async def _examine(wish: Wish) -> object:
    return await again.ask(*wish.move, read(ExamineIn, wish.visitor.form).archive_password)


async def _miss_reason(wish: Wish) -> object:
    return await decisions.explain_miss(*wish.move, wish.reason)


ACTIONS: dict[str, Act] = {
    "claim": _claim,
    "give-back": _give_back,
    "ask": _ask,
    "answer": _answer,
    "determine": _determine,
    "severity": _severity,
    "examine": _examine,
    "miss-reason": _miss_reason,
}


@get("/cases")
async def list_cases(visitor: NamedDependency[Visitor]) -> Response[str]:
    """The newest cases, all or in one state."""
    visitor.may(Permission.SEE_QUEUE)
    in_state = one_of(State, visitor.query.get("state"))
    rows = await submissions.page(visitor.tx, visitor.actor, state=in_state, after=None, limit=LISTED)
    return visitor.page("cases.html", rows=rows, in_state=in_state, states=list(State), limit=LISTED)


@get("/cases/{case:str}")
async def show_case(visitor: NamedDependency[Visitor], case: FromPath[str]) -> Response[str]:
    """State, clock, what was said, what was found, and the forms that are of use now."""
    visitor.may(Permission.SEE_QUEUE)
    return await _page(visitor, await submissions.get(visitor.tx, spoken("SR", case), visitor.actor))


@get("/cases/{case:str}/similar")
async def show_similar(visitor: NamedDependency[Visitor], case: FromPath[str]) -> Response[str]:
    """Cases of all organisations that are like this one, by what they have in common."""
    visitor.may(Permission.SEE_QUEUE)
    row = await submissions.get(visitor.tx, spoken("SR", case), visitor.actor)
    alike = sample_views.alike(await report.similar_to(visitor.tx, row))
    return visitor.page("similar.html", row=row, alike=alike)


@post("/cases/{case:str}/insert")
async def insert(
    visitor: NamedDependency[Visitor],
    case: FromPath[str],
    into: Annotated[Literal["answer", "ask", "determine"], QueryParameter(name="into")],
) -> Response[str]:
    """Put a text into what is being written, and show the case; nothing is sent, and what changed meanwhile is marked.

    The page still stands on the revision that was seen first, so that a conflict is noticed as before.
    """
    visitor.may(Permission.DECIDE)
    row = await submissions.get(visitor.tx, spoken("SR", case), visitor.actor)
    seen = held(visitor.form)
    typed = dict(visitor.form)
    if chosen := typed.get("canned"):
        text = await texts.get(visitor.tx, visitor.actor, spoken(texts.PREFIX, chosen))
        before = typed.get("message", "").rstrip()
        typed["message"] = f"{before}\n\n{text.body}" if before else text.body
    return await _page(replace(visitor, form=typed), row, action=into, seen=seen)


@post("/cases/{case:str}/{action:str}")
async def act(
    visitor: NamedDependency[Visitor],
    case: FromPath[str],
    action: FromPath[str],
    services: NamedDependency[Services],
) -> Response[str] | Redirect:
    """Do it, and show the case; what changed meanwhile is marked on the page that says so."""
    visitor.may(Permission.DECIDE)
    found = spoken("SR", case)

    async def show(problem: Problem, status: int) -> Response[str]:
        row = await submissions.get(visitor.tx, found, visitor.actor)
        return await _page(visitor, row, problem=problem, action=action, status_code=status)

    return await carry_out(Wish(visitor, found, services), ACTIONS, action, f"/cases/{found}", show)


async def _page(
    visitor: Visitor,
    row: Submission,
    *,
    problem: Problem | None = None,
    action: str | None = None,
    seen: int | None = None,
    status_code: int = 200,
) -> Response[str]:
    """`seen` is the revision that the page before this one showed, if this one goes on with it."""
    tx, actor = visitor.tx, visitor.actor
    files, more = await report.of(tx, row, after=-1, limit=FILES)
    holder = await people.person(tx, row.analyst_id) if row.analyst_id else None
    happened = await submissions.timeline(tx, row.id, is_public_only=False)
    since = missed_since(visitor, problem)
    if seen is not None and seen != row.revision:
        since = seen
    return visitor.page(
        "case.html",
        status_code=status_code,
        row=row,
        plan=await people.plan_row(tx, row.plan_id),
        held=row.revision if seen is None else seen,
        texts=await texts.to_choose(tx, actor, row.group_id),
        left=row.due_at - tx.at,
        soon=SOON,
        holder=holder,
        is_mine=row.state is State.IN_ANALYSIS and row.analyst_id == actor.person_id,
        may=actor.role in ALLOWED[Permission.DECIDE],
        files=tree([sample_views.file(each, is_staff=True) for each in files]),
        more_files=more,
        happened=[told_to_staff(visitor, *each) for each in happened],
        changes=await submissions.changes_of(tx, row.id),
        kinds=sorted(HELPFUL[row.kind]),
        determinations=sorted(fitting_determinations(row.kind)),
        verdicts=list(Verdict),
        problem=problem,
        action=action,
        typed=visitor.form,
        since=since,
    )


ROUTES = [list_cases, show_case, show_similar, insert, act]
