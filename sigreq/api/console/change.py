"""Signature changes: drafted, tested, edited, approved."""

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from sigreq.api.console.desk import Visitor, go
from sigreq.api.console.forms import held, one_of, read, written
from sigreq.api.doorway import Services, spoken
from sigreq.api.schemas import ChangeIn, Payload, Reason
from sigreq.blobs import ruleset_key
from sigreq.domain import errors
from sigreq.domain.changes import CONTENTS, ChangeKind
from sigreq.domain.errors import Problem
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import ALLOWED, Permission
from sigreq.domain.ruleset import Ruleset, pin_of
from sigreq.notify.timeline import staff_view
from sigreq.release import changes as use
from sigreq.store import changes, files, gates, releases, submissions
from sigreq.tables.releases import Change
from sigreq.tables.submissions import Submission

LISTED = 50


@dataclass(frozen=True)
class Wish:
    """What somebody asks for about one change, on the ground of the revision that their page showed."""

    visitor: Visitor
    change: str
    services: Services

    @property
    def move(self) -> tuple[Any, Any, str, int]:
        """What every use case wants first."""
        return self.visitor.tx, self.visitor.actor, self.change, held(self.visitor.form)

    @property
    def reason(self) -> str:
        """Why."""
        return read(Reason, self.visitor.form).reason


async def _test(wish: Wish) -> object:
    return await use.start_test(*wish.move)


async def _approve(wish: Wish) -> object:
    tx, *rest = wish.move
    return await use.approve(tx, wish.services.keyring, *rest)


async def _reject(wish: Wish) -> object:
    return await use.reject(*wish.move, wish.reason)


async def _withdraw(wish: Wish) -> object:
    return await use.withdraw(*wish.move, wish.reason)


async def _revise(wish: Wish) -> object:
    return await use.revise(*wish.move, payload_of(wish.visitor))


ACTIONS: dict[str, tuple[Permission, Callable[[Wish], Awaitable[object]]]] = {
    "test": (Permission.DECIDE, _test),
    "approve": (Permission.APPROVE, _approve),
    "reject": (Permission.APPROVE, _reject),
    "withdraw": (Permission.DECIDE, _withdraw),
    "revise": (Permission.DECIDE, _revise),
}


def payload_of(visitor: Visitor) -> dict[str, str]:
    """What the change asks for."""
    sent: dict[str, str] = read(Payload, visitor.form).model_dump(exclude_none=True)
    return sent


@get("/changes")
async def list_changes(visitor: NamedDependency[Visitor]) -> Response[str]:
    """The newest changes, all or in one state."""
    visitor.may(Permission.SEE_CHANGES)
    in_state = one_of(ChangeState, visitor.query.get("state"))
    rows = await changes.listed(visitor.tx, in_state, LISTED)
    return visitor.page("changes.html", rows=rows, in_state=in_state, states=list(ChangeState))


@get("/cases/{case:str}/change")
async def show_draft(
    visitor: NamedDependency[Visitor],
    case: FromPath[str],
    services: NamedDependency[Services],
    kind: Annotated[ChangeKind, QueryParameter(name="kind")],
    rule: Annotated[str | None, QueryParameter(name="rule", description="the rule that is meant")] = None,
) -> Response[str]:
    """The form for a change of this kind, filled in with the newest rules."""
    visitor.may(Permission.DECIDE)
    row = await submissions.get(visitor.tx, spoken("SR", case), visitor.actor)
    return await _draft_page(visitor, services, row, kind, rule or row.detection_name)


@post("/cases/{case:str}/change")
async def draft(
    visitor: NamedDependency[Visitor],
    case: FromPath[str],
    services: NamedDependency[Services],
    kind: Annotated[ChangeKind, QueryParameter(name="kind")],
) -> Response[str] | Redirect:
    """Write the change down."""
    visitor.may(Permission.DECIDE)
    found = spoken("SR", case)
    made: list[Change] = []

    async def write() -> object:
        sent = read(ChangeIn, {"submission_ids": [found], "kind": kind, "payload": payload_of(visitor)})
        made.append(await use.draft(visitor.tx, visitor.actor, sent.submission_ids, kind, payload_of(visitor)))
        return made

    async def show(problem: Problem, status: int) -> Response[str]:
        row = await submissions.get(visitor.tx, found, visitor.actor)
        return await _draft_page(visitor, services, row, kind, row.detection_name, problem, status)

    answer = await written(visitor, write, f"/cases/{found}", show)
    return go(f"/changes/{made[0].id}") if made else answer


async def _draft_page(
    visitor: Visitor,
    services: Services,
    row: Submission,
    kind: ChangeKind,
    rule: str | None,
    problem: Problem | None = None,
    status_code: int = 200,
) -> Response[str]:
    known = await _newest_rules(visitor, services, row.product_id)
    source = known.rules.get(rule or "", "")
    start = {"rule": rule or "", "signature": rule or "", "source": source, "pin": pin_of(source) if source else ""}
    return visitor.page(
        "draft.html",
        status_code=status_code,
        row=row,
        kind=kind,
        fields=list(CONTENTS[kind].__dataclass_fields__),
        rules=sorted(known.rules),
        samples=[each.facts for each in await files.of(visitor.tx, row) if each.facts and each.parent is None],
        typed={**start, **visitor.form},
        problem=problem,
    )


async def _newest_rules(visitor: Visitor, services: Services, product_id: str) -> Ruleset:
    newest = await releases.newest(visitor.tx, product_id)
    if newest is None:
        return Ruleset()
    return Ruleset.from_document(await services.bundles.get_bytes(ruleset_key(newest.ruleset_digest)))


@get("/changes/{change:str}")
async def show_change(
    visitor: NamedDependency[Visitor], change: FromPath[str], services: NamedDependency[Services]
) -> Response[str]:
    """What it asks for, how its test went, and the forms that are of use now."""
    visitor.may(Permission.SEE_CHANGES)
    return await _page(visitor, services, await changes.get(visitor.tx, spoken("CH", change)))


@post("/changes/{change:str}/{action:str}")
async def act(
    visitor: NamedDependency[Visitor],
    change: FromPath[str],
    action: FromPath[str],
    services: NamedDependency[Services],
) -> Response[str] | Redirect:
    """Do it, and show the change."""
    if action not in ACTIONS:
        visitor.may(Permission.SEE_CHANGES)
        raise errors.NotFound(what="form", id=action[:60])
    permission, do = ACTIONS[action]
    visitor.may(permission)
    found = spoken("CH", change)

    async def write() -> object:
        return await do(Wish(visitor, found, services))

    async def show(problem: Problem, status: int) -> Response[str]:
        return await _page(visitor, services, await changes.get(visitor.tx, found), problem, action, status)

    return await written(visitor, write, f"/changes/{found}", show)


async def _page(
    visitor: Visitor,
    services: Services,
    row: Change,
    problem: Problem | None = None,
    action: str | None = None,
    status_code: int = 200,
) -> Response[str]:
    tx, actor = visitor.tx, visitor.actor
    revision = await changes.revision(tx, row)
    writers = await changes.writers(tx, row.id)
    happened = await submissions.timeline(tx, row.id, is_public_only=False)
    return visitor.page(
        "change.html",
        status_code=status_code,
        row=row,
        payload=revision.payload,
        writer=revision.written_by,
        run=await gates.get(tx, row.gate_id) if row.gate_id else None,
        helped=await submissions.helped_by(tx, row.id),
        difference=await _difference(visitor, services, row, revision.payload),
        happened=[staff_view(*each) for each in happened],
        may=actor.role in ALLOWED[Permission.DECIDE],
        may_approve=actor.role in ALLOWED[Permission.APPROVE] and actor.person_id not in writers,
        is_writer=actor.person_id in writers,
        problem=problem,
        action=action,
        typed=visitor.form if action else revision.payload,
        since=int(visitor.form["held"]) if isinstance(problem, errors.RevisionStale) else None,
    )


async def _difference(
    visitor: Visitor, services: Services, row: Change, payload: dict[str, Any]
) -> list[tuple[str, str]]:
    """Against the rule as it is published: lines, each with what became of it."""
    if "source" not in payload:
        return []
    known = await _newest_rules(visitor, services, row.product_id)
    before = known.rules.get(payload["rule"], "").splitlines()
    lines = list(difflib.unified_diff(before, payload["source"].splitlines(), lineterm="", n=3))[2:]
    words = {"+": "added", "-": "removed", "@": "place"}
    return [(words.get(line[:1], "same"), line) for line in lines]


ROUTES = [list_changes, show_draft, draft, show_change, act]
