"""Extras: what update clients lay over a version for a while, and interim relief for a case."""

from typing import Annotated, Any

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from pydantic import Field

from sigreq.api import extra_views, views
from sigreq.api.doorway import AnyRequest, Services, authenticate, naming_holders, spoken
from sigreq.api.schemas import Line, Sha256, SignatureName, Strict, Text
from sigreq.domain.extras import LONGEST
from sigreq.domain.people import Actor, Permission, require
from sigreq.domain.release_errors import ExtraUnfit
from sigreq.domain.release_reasons import NothingPublished
from sigreq.release import extras as use
from sigreq.review import relief
from sigreq.scanning.published import Rulesets
from sigreq.store import extras, releases, submissions
from sigreq.tables.extras import Extra
from sigreq.transaction import Transaction

HOUR = 3600
Hours = Annotated[int, Field(ge=1, le=LONGEST.total_seconds() // HOUR, description="until it ends by itself")]


class ReliefIn(Strict):
    """Which file, needed where several were sent; what to detect it as; why."""

    sha256: Sha256 | None = None
    name: SignatureName | None = None
    hours: Hours = 72
    reason: Text


class ExtraIn(Strict):
    """The version that the change was tested on, which must be the newest."""

    base_version: Line
    hours: Hours = 24


@get("/v1/products/{product:str}/extras", summary="What is in force on the newest version")
async def list_extras(
    product: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """For update clients, to be asked again and again: lay these over `base_version`, and drop what is not listed.

    Customers see what is for everybody, and the relief of their own organisation, of products they have asked about.
    """
    require(actor, Permission.SEE_EXTRAS)
    await releases.known_product(tx, product)
    if actor.organisation_id is not None:
        await submissions.check_customer_of(tx, actor.organisation_id, product)
    newest = await releases.newest(tx, product)
    base = newest.version if newest else None
    rows = await extras.live(tx, product, actor)
    return {"base_version": base, "items": await extra_views.views_of(tx, actor, rows, base)}


@put("/v1/changes/{change_id:str}/extra", summary="Put an approved change in force at once")
async def publish_extra(
    change_id: FromPath[str],
    data: JSONBody[ExtraIn],
    services: NamedDependency[Services],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[extra_views.ExtraView]:
    """For expedited changes that only add something. 201 when it is new, 200 when it is in force already.

    It ends by itself: after `hours`, or when another version is out.
    """
    require(actor, Permission.PUBLISH_EXTRA)
    known_as = spoken("CH", change_id)
    row, is_new = await use.publish(tx, services.keyring, actor, known_as, data.base_version, data.hours)
    return await _shown(tx, actor, row, 201 if is_new else 200)


@post("/v1/changes/{change_id:str}/extra/gate", status_code=202, summary="Test an approved change once more")
async def test_extra(
    change_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> views.GateView:
    """Where its pass does not hold any more; the change stays approved whatever comes of it. Read the gate's run."""
    require(actor, Permission.PUBLISH_EXTRA)
    return views.gate(await use.begin_test(tx, actor, spoken("CH", change_id)))


@post("/v1/submissions/{submission_id:str}/relief", status_code=201, summary="Propose interim relief")
async def propose_relief(
    submission_id: FromPath[str],
    data: JSONBody[ReliefIn],
    held: NamedDependency[int],
    request: AnyRequest,
    services: NamedDependency[Services],
) -> Response[extra_views.ExtraView]:
    """One file is allowed (false positive) or detected (false negative) until the fix is out, once a lead approves."""
    actor = await authenticate(request, services)
    require(actor, Permission.DECIDE)
    known_as = spoken("SR", submission_id)
    async with services.database.transaction() as tx:
        product = (await submissions.get(tx, known_as)).product_id
    base = await _newest(services, product)
    wish = relief.Wish(data.sha256, data.name, data.hours, data.reason)
    async with services.database.transaction() as tx, naming_holders(tx):
        return await _shown(tx, actor, await relief.propose(tx, actor, known_as, held, wish, base), 201)


@get("/v1/submissions/{submission_id:str}/relief", summary="The interim relief of a case")
async def list_relief(
    submission_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """All that was ever given, oldest first; for staff what was only proposed, too."""
    require(actor, Permission.SEE_SUBMISSIONS)
    row = await submissions.get(tx, spoken("SR", submission_id), actor)
    newest = await releases.newest(tx, row.product_id)
    found = [each for each in await extras.of_case(tx, row.id) if actor.is_staff or each.live_at is not None]
    base = newest.version if newest else None
    return {"items": await extra_views.views_of(tx, actor, found, base)}


@post("/v1/extras/{extra_id:str}/approve", status_code=200, summary="Approve interim relief")
async def approve_relief(
    extra_id: FromPath[str], request: AnyRequest, services: NamedDependency[Services]
) -> Response[extra_views.ExtraView]:
    """By a lead who did not propose it; the customer is told."""
    actor = await authenticate(request, services)
    require(actor, Permission.APPROVE)
    known_as = spoken(extras.PREFIX, extra_id)
    async with services.database.transaction() as tx:
        product = (await extras.get(tx, known_as)).product_id
    base = await _newest(services, product)
    async with services.database.transaction() as tx:
        return await _shown(tx, actor, await relief.approve(tx, services.keyring, actor, known_as, base))


@post("/v1/extras/{extra_id:str}/end", status_code=200, summary="End an extra")
async def end_extra(
    extra_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> Response[extra_views.ExtraView]:
    """Relief is taken back, or not approved, by analysts; the extra of a change by a lead or release tooling."""
    require(actor, Permission.SEE_GATES)
    found = await extras.get(tx, spoken(extras.PREFIX, extra_id))
    is_relief = found.submission_id is not None
    require(actor, Permission.DECIDE if is_relief else Permission.END_EXTRA)
    return await _shown(tx, actor, await (relief if is_relief else use).end(tx, actor, found.id))


async def _newest(services: Services, product: str) -> relief.Base:
    """The newest version with its rules, read while no transaction is open. Raises ExtraUnfit."""
    async with services.database.transaction() as tx:
        newest = await releases.newest(tx, product)
    if newest is None:
        raise ExtraUnfit(NothingPublished(product))
    return relief.Base(newest.version, await Rulesets(services.bundles).load(newest.ruleset_digest))


async def _shown(tx: Transaction, actor: Actor, row: Extra, status_code: int = 200) -> Response[extra_views.ExtraView]:
    newest = await releases.newest(tx, row.product_id)
    (shown,) = await extra_views.views_of(tx, actor, [row], newest.version if newest else None)
    return Response(shown, status_code=status_code)


ROUTES = [list_extras, publish_extra, test_extra, propose_relief, list_relief, approve_relief, end_extra]
