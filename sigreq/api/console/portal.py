"""The customers' pages: their cases, and what they can say about each."""

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from sigreq.api import sample_views, views
from sigreq.api.console.acts import Act, Wish, carry_out, missed_since
from sigreq.api.console.desk import Visitor
from sigreq.api.console.forms import one_of
from sigreq.api.console.happened import told_to_customer
from sigreq.api.console.pages import HEADERS
from sigreq.api.console.standing import bought, standing
from sigreq.api.cursors import read_cursor, write_cursor
from sigreq.api.doorway import Services, spoken
from sigreq.domain.errors import Problem
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Permission
from sigreq.review import customer
from sigreq.store import releases, submissions
from sigreq.tables.submissions import Submission
from sigreq.trust import evidence
from sigreq.validation import report

LISTED = 50
FILES = 50


async def _reply(wish: Wish) -> object:
    return await customer.reply(*wish.move, wish.message, wish.claim)


async def _confirm(wish: Wish) -> object:
    return await customer.confirm(*wish.move)


async def _still_happens(wish: Wish) -> object:
    return await customer.reopen(*wish.move, Event.STILL_HAPPENS, wish.message)


async def _dispute(wish: Wish) -> object:
    return await customer.reopen(*wish.move, Event.DISPUTED, wish.message)


async def _withdraw(wish: Wish) -> object:
    return await customer.withdraw(*wish.move, wish.reason_if_any)


ACTIONS: dict[str, Act] = {
    "reply": _reply,
    "confirm": _confirm,
    "still-happens": _still_happens,
    "dispute": _dispute,
    "withdraw": _withdraw,
}


@get("/portal")
async def list_own(visitor: NamedDependency[Visitor]) -> Response[str]:
    """The organisation's cases, newest first, and what it was promised. Raises RequestMalformed, CursorInvalid."""
    visitor.may(Permission.SUBMIT)
    in_state, product = one_of(State, visitor.query.get("state")), visitor.query.get("product")
    after = read_cursor(visitor.query.get("after"))
    found = await submissions.page(
        visitor.tx, visitor.actor, state=in_state, product=product, after=after, limit=LISTED + 1
    )
    last = found[LISTED - 1] if len(found) > LISTED else None
    only = {name: value for name, value in (("state", in_state), ("product", product)) if value}
    return visitor.page(
        "portal.html",
        rows=[views.submission(row) for row in found[:LISTED]],
        in_state=in_state,
        states=list(State),
        product=product,
        products=await releases.products(visitor.tx),
        is_first=after is None,
        newest=_address(only),
        older=_address({**only, "after": write_cursor(last.received_at, last.id)}) if last else None,
        **await bought(visitor),
    )


def _address(only: dict[str, str]) -> str:
    return f"/portal?{urlencode(only)}" if only else "/portal"


@get("/portal/{case:str}")
async def show_own(visitor: NamedDependency[Visitor], case: FromPath[str]) -> Response[str]:
    """Where it stands, what was said, and the forms that are of use now."""
    visitor.may(Permission.SUBMIT)
    return await _page(visitor, await submissions.get(visitor.tx, spoken("SR", case), visitor.actor))


@get("/portal/{case:str}/evidence")
async def get_evidence(visitor: NamedDependency[Visitor], case: FromPath[str]) -> Response[dict[str, Any]]:
    """The signed statement of the fix, as a file. Raises NotFound."""
    visitor.may(Permission.SUBMIT)
    row = await submissions.get(visitor.tx, spoken("SR", case), visitor.actor)
    envelope = await evidence.of(visitor.tx, row)
    name = f'attachment; filename="{row.id}.evidence.json"'
    return Response(envelope, headers={**HEADERS, "Content-Disposition": name})


@post("/portal/{case:str}/{action:str}")
async def act(
    visitor: NamedDependency[Visitor],
    case: FromPath[str],
    action: FromPath[str],
    services: NamedDependency[Services],
) -> Response[str] | Redirect:
    """Do it, and show the case."""
    visitor.may(Permission.SUBMIT)
    found = spoken("SR", case)

    async def show(problem: Problem, status: int) -> Response[str]:
        row = await submissions.get(visitor.tx, found, visitor.actor)
        return await _page(visitor, row, problem=problem, action=action, status_code=status)

    return await carry_out(Wish(visitor, found, services), ACTIONS, action, f"/portal/{found}", show)


async def _page(
    visitor: Visitor,
    row: Submission,
    *,
    problem: Problem | None = None,
    action: str | None = None,
    status_code: int = 200,
) -> Response[str]:
    files, more = await report.of(visitor.tx, row, after=-1, limit=FILES)
    happened = await submissions.timeline(visitor.tx, row.id, is_public_only=True)
    return visitor.page(
        "portal_case.html",
        status_code=status_code,
        row=views.submission(row),
        before_analysis=views.BEFORE_ANALYSIS,
        files=[sample_views.file(each, is_staff=False) for each in files],
        more_files=more,
        happened=[told_to_customer(visitor, event) for event, _ in happened],
        problem=problem,
        action=action,
        typed=visitor.form,
        since=missed_since(visitor, problem),
        **await standing(visitor, row),
    )


ROUTES = [list_own, show_own, get_evidence, act]
