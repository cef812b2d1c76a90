"""The contract as data: what an administrator sets about plans, contracts, calendars and analyst groups."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter

from sigreq.api.account import new_secret, refuse_private
from sigreq.api.contract_schemas import CalendarIn, ContractEndIn, ContractIn, GroupIn, PlanIn
from sigreq.api.doorway import Services
from sigreq.api.schemas import NAME
from sigreq.calendars import UnknownRegion, public_holidays
from sigreq.domain.contract_errors import CalendarUnfit
from sigreq.domain.people import Actor, Permission, require
from sigreq.review import calendars as use
from sigreq.store import calendars, contracts, groups, people, plans
from sigreq.tables.people import AnalystGroup, CalendarRevision, Contract, Person, Plan
from sigreq.transaction import Transaction

NewName = Annotated[str, PathParameter(pattern=NAME, description="a short name: a-z, 0-9, _ and -")]


@post("/v1/admin/contracts", summary="Add a contract")
async def add_contract(
    data: JSONBody[ContractIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Contracts of one organisation never overlap."""
    require(actor, Permission.ADMINISTER)
    return _contract(await contracts.add(tx, data.organisation, data.plan, data.starts_at, data.ends_at))


@get("/v1/admin/contracts", summary="An organisation's contracts")
async def list_contracts(
    organisation: FromQuery[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Oldest first."""
    require(actor, Permission.ADMINISTER)
    await people.organisation(tx, organisation)
    return {"items": [_contract(row) for row in await contracts.of(tx, organisation)]}


@post("/v1/admin/contracts/{contract_id:str}/end", status_code=200, summary="Let a contract end")
async def end_contract(
    contract_id: FromPath[str],
    data: JSONBody[ContractEndIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """What submissions were promised stays promised."""
    require(actor, Permission.ADMINISTER)
    return _contract(await contracts.end(tx, contract_id, data.ends_at))


@put("/v1/admin/plans/{plan_id:str}", status_code=200, summary="Add or change a plan")
async def put_plan(
    plan_id: NewName, data: JSONBody[PlanIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Counts for submissions from now on."""
    require(actor, Permission.ADMINISTER)
    fields = data.model_dump(mode="json", exclude={"group"})
    return _plan(await plans.put(tx, Plan(id=plan_id, group_id=data.group, **fields)))


@get("/v1/admin/plans", summary="Plans")
async def list_plans(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """By name."""
    require(actor, Permission.ADMINISTER)
    return {"items": [_plan(row) for row in await plans.listed(tx)]}


@put("/v1/admin/calendars/{calendar_id:str}", status_code=200, summary="Add or change a calendar")
async def put_calendar(
    calendar_id: NewName,
    data: JSONBody[CalendarIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """A new revision. The due times of open submissions move with it, each with an event, all at once."""
    require(actor, Permission.ADMINISTER)
    row = CalendarRevision(
        calendar_id=calendar_id,
        revision=0,
        time_zone=data.time_zone,
        hours=data.hours,
        region=data.region,
        holidays=data.holidays,
        extra_workdays=[],
        exceptions=data.exceptions,
        created_at=tx.at,
    )
    _copy_holidays(row, data.years)
    added, moved = await use.change(tx, actor, row)
    return {**_calendar(added), "submissions_moved": moved}


@get("/v1/admin/calendars/{calendar_id:str}", summary="A calendar in force")
async def read_calendar(
    calendar_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """With the holidays that were copied into it."""
    require(actor, Permission.ADMINISTER)
    return _calendar(await calendars.revision(tx, calendar_id))


@put("/v1/admin/groups/{group_id:str}", status_code=200, summary="Add or change an analyst group")
async def put_group(
    group_id: NewName,
    data: JSONBody[GroupIn],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """Which plans go to it is said in the plans. A new address gets a new secret."""
    require(actor, Permission.ADMINISTER)
    before = await groups.find(tx, group_id)
    secret = before.on_call_secret if before and before.on_call_url == data.on_call_url else None
    if data.on_call_url and secret is None:
        refuse_private(services, data.on_call_url)
        secret = new_secret()
    row = AnalystGroup(id=group_id, on_call_secret=secret, **data.model_dump())
    return {"id": group_id, **data.model_dump(), "on_call_secret": (await groups.put(tx, row)).on_call_secret}


@get("/v1/admin/groups", summary="Analyst groups")
async def list_groups(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """With their members."""
    require(actor, Permission.ADMINISTER)
    found = await groups.listed(tx)
    return {"items": [_group(each, members) for each, members in found]}


def _group(row: AnalystGroup, members: Sequence[Person]) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("id", "title", "on_call_email", "on_call_url")}
    people_in_it = [{"id": each.id, "name": each.name} for each in members]
    return {**shown, "members": [each.id for each in members], "people": people_in_it}


@put("/v1/admin/groups/{group_id:str}/members/{person_id:str}", status_code=204, summary="Add to a group")
async def join_group(
    group_id: FromPath[str],
    person_id: FromPath[str],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> None:
    """From now on this person is given the group's cases."""
    require(actor, Permission.ADMINISTER)
    await groups.join(tx, group_id, (await people.person(tx, person_id)).id)


@delete("/v1/admin/groups/{group_id:str}/members/{person_id:str}", summary="Take out of a group")
async def leave_group(
    group_id: FromPath[str],
    person_id: FromPath[str],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> None:
    """What they hold they keep."""
    require(actor, Permission.ADMINISTER)
    await groups.leave(tx, group_id, person_id)


def _copy_holidays(row: CalendarRevision, years: list[int]) -> None:
    """Write the region's holidays into the revision: later editions of the library change nothing that was promised."""
    if row.region is None:
        return
    try:
        found = public_holidays(row.region, years)
    except UnknownRegion as error:
        raise CalendarUnfit(id=row.calendar_id, reason=str(error)) from error
    row.holidays = sorted({*row.holidays, *(day.isoformat() for day in found.closed)})
    row.extra_workdays = sorted(day.isoformat() for day in found.extra_workdays)


def _contract(row: Contract) -> dict[str, Any]:
    return {
        "id": row.id,
        "organisation": row.organisation_id,
        "plan": row.plan_id,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
    }


def _plan(row: Plan) -> dict[str, Any]:
    return {**row.model_dump(exclude={"group_id"}), "group": row.group_id}


def _calendar(row: CalendarRevision) -> dict[str, Any]:
    return row.model_dump()


ROUTES = [
    add_contract,
    list_contracts,
    end_contract,
    put_plan,
    list_plans,
    put_calendar,
    read_calendar,
    put_group,
    list_groups,
    join_group,
    leave_group,
]
