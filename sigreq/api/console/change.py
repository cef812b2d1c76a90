"""Signature changes: drafted, tested, edited, approved."""

import difflib
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from sigreq.api.console.acts import Act, Wish, missed_since
from sigreq.api.console.desk import Arrival, Visitor, go
from sigreq.api.console.forms import attempted, one_of, read
from sigreq.api.console.happened import told_to_staff
from sigreq.api.doorway import Services, spoken
from sigreq.api.schemas import ChangeIn, Payload
from sigreq.blobs import ruleset_key
from sigreq.domain import errors
from sigreq.domain.changes import CONTENTS, ChangeKind
from sigreq.domain.errors import Problem
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import ALLOWED, Permission
from sigreq.domain.ruleset import Ruleset, pin_of
from sigreq.release import changes as use
from sigreq.store import changes, files, gates, people, releases, siblings, submissions
from sigreq.store.siblings import Sibling
from sigreq.tables.releases import Change, Release

LISTED = 50
ALSO = "also-"


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


ACTIONS: dict[str, tuple[Permission, Act]] = {
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
    arrival: NamedDependency[Arrival],
    case: FromPath[str],
    kind: Annotated[ChangeKind, QueryParameter(name="kind")],
    rule: Annotated[str | None, QueryParameter(name="rule", description="the rule that is meant")] = None,
) -> Response[str]:
    """The form for a change of this kind, filled in with the newest rules."""
    return await _draft_page(arrival, spoken("SR", case), kind, rule)


@post("/cases/{case:str}/change")
async def draft(
    arrival: NamedDependency[Arrival],
    case: FromPath[str],
    kind: Annotated[ChangeKind, QueryParameter(name="kind")],
) -> Response[str] | Redirect:
    """Write the change down."""
    found = spoken("SR", case)
    made: list[Change] = []
    async with arrival.visit() as visitor:
        visitor.may(Permission.DECIDE)

        async def write() -> object:
            payload = payload_of(visitor)
            sent = read(ChangeIn, {"submission_ids": [found, *_ticked(visitor)], "kind": kind, "payload": payload})
            made.append(await use.draft(visitor.tx, visitor.actor, sent.submission_ids, kind, payload))
            return made

        problem = await attempted(visitor, write)
    return await _draft_page(arrival, found, kind, None, problem) if problem else go(f"/changes/{made[0].id}")


def _ticked(visitor: Visitor) -> list[str]:
    """The other cases that the change shall help. Raises NotFound for what is no case's name."""
    return [spoken("SR", name.removeprefix(ALSO)) for name in visitor.form if name.startswith(ALSO)]


async def _draft_page(
    arrival: Arrival, case: str, kind: ChangeKind, rule: str | None, problem: Problem | None = None
) -> Response[str]:
    """The rules come from the store while no transaction is open."""
    async with arrival.visit() as visitor:
        visitor.may(Permission.DECIDE)
        row = await submissions.get(visitor.tx, case, visitor.actor)
        newest = await releases.newest(visitor.tx, row.product_id)
    known = await _rules_of(arrival.services, newest)
    meant = rule or row.detection_name
    source = known.rules.get(meant or "", "")
    start = {"rule": meant or "", "signature": meant or "", "source": source, "pin": pin_of(source) if source else ""}
    fields = list(CONTENTS[kind].__dataclass_fields__)
    others = siblings.by_content if "sha256" in fields else siblings.by_rule
    async with arrival.visit() as visitor:
        also = await others(visitor.tx, row, LISTED)
        return visitor.page(
            "draft.html",
            status_code=visitor.pages.status(problem) if problem else 200,
            row=row,
            kind=kind,
            fields=fields,
            also=[(each.submission, _is_ticked(visitor, each)) for each in also],
            rules=sorted(known.rules),
            samples=[each.facts for each in await files.of(visitor.tx, row) if each.facts and each.parent is None],
            typed={**start, **visitor.form},
            problem=problem,
        )


def _is_ticked(visitor: Visitor, other: Sibling) -> bool:
    """As in the form that was sent; before that, what was answered together goes together."""
    return f"{ALSO}{other.submission.id}" in visitor.form if visitor.form else other.is_alike


async def _rules_of(services: Services, release: Release | None) -> Ruleset:
    if release is None:
        return Ruleset()
    return Ruleset.from_document(await services.bundles.get_bytes(ruleset_key(release.ruleset_digest)))


@get("/changes/{change:str}")
async def show_change(arrival: NamedDependency[Arrival], change: FromPath[str]) -> Response[str]:
    """What it asks for, how its test went, and the forms that are of use now."""
    return await _page(arrival, spoken("CH", change))


@post("/changes/{change:str}/{action:str}")
async def act(
    arrival: NamedDependency[Arrival], change: FromPath[str], action: FromPath[str]
) -> Response[str] | Redirect:
    """Do it, and show the change."""
    found = spoken("CH", change)
    async with arrival.visit() as visitor:
        permission, do = _wanted(visitor, action)
        visitor.may(permission)

        async def write() -> object:
            return await do(Wish(visitor, found, arrival.services))

        problem = await attempted(visitor, write)
    return await _page(arrival, found, problem, action) if problem else go(f"/changes/{found}")


def _wanted(visitor: Visitor, action: str) -> tuple[Permission, Act]:
    """Who may do it, and how it is done. Raises NotFound for what no form of ours does."""
    if action not in ACTIONS:
        visitor.may(Permission.SEE_CHANGES)
        raise errors.NotFound(what="form", id=action[:60])
    return ACTIONS[action]


async def _page(
    arrival: Arrival, change: str, problem: Problem | None = None, action: str | None = None
) -> Response[str]:
    """The published rule comes from the store while no transaction is open."""
    async with arrival.visit() as visitor:
        visitor.may(Permission.SEE_CHANGES)
        row = await changes.get(visitor.tx, change)
        is_rule = "source" in (await changes.revision(visitor.tx, row)).payload
        newest = await releases.newest(visitor.tx, row.product_id) if is_rule else None
    published = await _rules_of(arrival.services, newest)
    async with arrival.visit() as visitor:
        row = await changes.get(visitor.tx, change)
        context = await _told(visitor, row, published)
        typed = visitor.form if action else context["payload"]
        status = visitor.pages.status(problem) if problem else 200
        more = {"problem": problem, "action": action, "typed": typed, "since": missed_since(visitor, problem)}
        return visitor.page("change.html", status_code=status, **context, **more)


async def _told(visitor: Visitor, row: Change, published: Ruleset) -> dict[str, Any]:
    tx, actor = visitor.tx, visitor.actor
    revision = await changes.revision(tx, row)
    writers = await changes.writers(tx, row.id)
    return {
        "row": row,
        "payload": revision.payload,
        "writer": await people.name_of(tx, revision.written_by),
        "approver": await people.name_of(tx, row.approved_by) if row.approved_by else None,
        "run": await gates.get(tx, row.gate_id) if row.gate_id else None,
        "helped": await submissions.helped_by(tx, row.id),
        "difference": _difference(published, revision.payload),
        "happened": [
            told_to_staff(visitor, *each) for each in await submissions.timeline(tx, row.id, is_public_only=False)
        ],
        "may": actor.role in ALLOWED[Permission.DECIDE],
        "may_approve": actor.role in ALLOWED[Permission.APPROVE] and actor.person_id not in writers,
        "is_writer": actor.person_id in writers,
    }


def _difference(published: Ruleset, payload: dict[str, Any]) -> list[tuple[str, str]]:
    """Against the rule as it is published: lines, each with what became of it."""
    if "source" not in payload:
        return []
    before = published.rules.get(payload["rule"], "").splitlines()
    lines = list(difflib.unified_diff(before, payload["source"].splitlines(), lineterm="", n=3))[2:]
    words = {"+": "added", "-": "removed", "@": "place"}
    return [(words.get(line[:1], "same"), line) for line in lines]


ROUTES = [list_changes, show_draft, draft, show_change, act]
