"""Signature changes: drafted and tested by analysts, approved by another lead."""

from typing import Annotated, Any

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from sigreq.api import views
from sigreq.api.doorway import Services, etag, spoken
from sigreq.api.schemas import ChangeIn, Payload, Reason, RevisionIn
from sigreq.api.submissions import MAX_PAGE
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import Actor, Permission, require
from sigreq.release import changes as use
from sigreq.store import changes, gates, people, submissions
from sigreq.tables.releases import Change
from sigreq.transaction import Transaction


@post("/v1/changes", status_code=201, summary="Draft a change")
async def draft(
    data: JSONBody[ChangeIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> Response[views.ChangeView]:
    """For one or more determined submissions of one product."""
    require(actor, Permission.DECIDE)
    helped = [spoken("SR", each) for each in data.submission_ids]
    row = await use.draft(tx, actor, helped, data.kind, _sent(data.payload))
    return await _shown(tx, row, status_code=201)


@get("/v1/changes", summary="Changes, newest first")
async def list_changes(
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
    in_state: Annotated[ChangeState | None, QueryParameter(name="state")] = None,
    limit: FromQuery[int] = 50,
) -> dict[str, Any]:
    """All, or those in one state."""
    require(actor, Permission.SEE_CHANGES)
    rows = await changes.listed(tx, in_state, max(1, min(limit, MAX_PAGE)))
    return {"items": [await _view(tx, row) for row in rows]}


@get("/v1/changes/{change_id:str}", summary="One change")
async def read_change(
    change_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> Response[views.ChangeView]:
    """In its current revision, with the gate's report."""
    require(actor, Permission.SEE_CHANGES)
    return await _shown(tx, await changes.get(tx, spoken("CH", change_id)))


@put("/v1/changes/{change_id:str}", summary="Edit a change")
async def revise(
    change_id: FromPath[str],
    data: JSONBody[RevisionIn],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[views.ChangeView]:
    """A new revision: it has to be tested and approved anew."""
    require(actor, Permission.DECIDE)
    return await _shown(tx, await use.revise(tx, actor, spoken("CH", change_id), held, _sent(data.payload)))


@post("/v1/changes/{change_id:str}/test", status_code=202, summary="Test a change")
async def test(
    change_id: FromPath[str],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[views.ChangeView]:
    """In the background: read the change again until it is `tested` or `gate_failed`."""
    require(actor, Permission.DECIDE)
    return await _shown(tx, await use.start_test(tx, actor, spoken("CH", change_id), held), status_code=202)


@post("/v1/changes/{change_id:str}/approve", status_code=200, summary="Approve a change")
async def approve(
    change_id: FromPath[str],
    held: NamedDependency[int],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[views.ChangeView]:
    """By a lead who did not write it. It leaves signed, in the feed's `envelope`."""
    require(actor, Permission.APPROVE)
    return await _shown(tx, await use.approve(tx, services.keyring, actor, spoken("CH", change_id), held))


@post("/v1/changes/{change_id:str}/reject", status_code=200, summary="Reject a change")
async def reject(
    change_id: FromPath[str],
    data: JSONBody[Reason],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[views.ChangeView]:
    """Back to its writer, with a reason."""
    require(actor, Permission.APPROVE)
    return await _shown(tx, await use.reject(tx, actor, spoken("CH", change_id), held, data.reason))


@post("/v1/changes/{change_id:str}/withdraw", status_code=200, summary="Withdraw a change")
async def withdraw(
    change_id: FromPath[str],
    data: JSONBody[Reason],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[views.ChangeView]:
    """The feed says so, if it was there already."""
    require(actor, Permission.DECIDE)
    return await _shown(tx, await use.withdraw(tx, actor, spoken("CH", change_id), held, data.reason))


@post("/v1/changes/{change_id:str}/picked-up", status_code=200, summary="Release tooling has it")
async def picked_up(
    change_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> Response[views.ChangeView]:
    """From here on it cannot be withdrawn, only answered by a release."""
    require(actor, Permission.PUBLISH)
    return await _shown(tx, await use.picked_up(tx, actor, spoken("CH", change_id)))


def _sent(payload: Payload) -> dict[str, str]:
    sent: dict[str, str] = payload.model_dump(exclude_none=True)
    return sent


async def _view(tx: Transaction, row: Change) -> views.ChangeView:
    helped = [each.id for each in await submissions.helped_by(tx, row.id)]
    run = await gates.get(tx, row.gate_id) if row.gate_id else None
    revision = await changes.revision(tx, row)
    return views.change(row, revision, run, helped, await people.names(tx, [revision.written_by, row.approved_by]))


async def _shown(tx: Transaction, row: Change, status_code: int = 200) -> Response[views.ChangeView]:
    return Response(await _view(tx, row), status_code=status_code, headers=etag(row.revision))


ROUTES = [draft, list_changes, read_change, revise, test, approve, reject, withdraw, picked_up]
