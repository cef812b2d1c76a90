"""Requests made by phone: analysts log calls and take requests; the customer's file comes by a link that works once."""

from datetime import timedelta
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import to_builtins

from sigreq.api import views
from sigreq.api.contract_schemas import CallIn, PhoneRequestIn
from sigreq.api.doorway import AnyRequest, Services, spoken
from sigreq.api.schemas import SubmissionIn
from sigreq.api.submissions import shown
from sigreq.api.submit import store_all
from sigreq.api.uploads import receive_files
from sigreq.domain.people import Actor, Permission, Role, require
from sigreq.domain.register import DatabaseCheck, DatabaseVerdict
from sigreq.review import phone as use
from sigreq.spool import Spool
from sigreq.store import people, phone
from sigreq.transaction import Transaction
from sigreq.validation import intake


@post("/v1/submissions/{submission_id:str}/phone-call", status_code=200, summary="Log a phone call")
async def log_call(
    submission_id: FromPath[str],
    data: JSONBody[CallIn],
    held: NamedDependency[int],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> Response[Any]:
    """Outside business hours the customer's call can start their answer clock."""
    require(actor, Permission.DECIDE)
    call = use.Call(data.called_at or tx.at, data.note)
    return await shown(tx, actor, await use.log_call(tx, actor, spoken("SR", submission_id), held, call))


@post("/v1/phone-requests", summary="Take a request by phone")
async def take_request(
    data: JSONBody[PhoneRequestIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """The database version is checked now. The answer's upload address is for the customer, works once, and expires."""
    require(actor, Permission.DECIDE)
    said = data.submission
    product, found = await intake.check_database(tx, said.product, said.database_version)
    intake.refuse_unless_latest(product, found)
    claim = {
        "submission": said.model_dump(mode="json"),
        "verdict": found.verdict,
        "matched": found.matched,
        "latest": found.latest,
    }
    valid = timedelta(hours=data.valid_hours)
    row, token = await use.register(tx, actor, data.organisation, claim, data.called_at or tx.at, valid)
    return {"id": row.id, "upload": f"/v1/uploads/{token}", "expires_at": row.expires_at}


@get("/v1/uploads/{token:str}", summary="What a link is for")
async def read_link(token: FromPath[str], services: NamedDependency[Services]) -> dict[str, Any]:
    """No account is needed: the link itself is the key."""
    async with services.database.transaction() as tx:
        row = await use.usable(tx, token)
    said = row.claim["submission"]
    return {"id": row.id, "kind": said["kind"], "product": said["product"], "expires_at": row.expires_at}


@post(
    "/v1/uploads/{token:str}", status_code=202, request_max_body_size=None, summary="Send the file of a phone request"
)
async def upload(
    token: FromPath[str], request: AnyRequest, services: NamedDependency[Services]
) -> Response[dict[str, Any]]:
    """multipart/form-data with one or more parts `file`. No account is needed: the link itself is the key."""
    async with services.database.transaction() as tx:
        organisation_id = (await use.usable(tx, token)).organisation_id
    with Spool(services.settings.work_dir / "spool") as spool:
        spooled = await receive_files(request.stream(), request.headers, services.settings.limits, spool)
        received = [sample.facts for sample in spooled]
        await store_all(services, organisation_id, spooled)
        async with services.database.transaction() as tx:
            row = await use.usable(tx, token, is_locking=True)
            claim = SubmissionIn.model_validate(row.claim["submission"]).claim()
            intake.check_hashes(claim, received)
            taker = await people.person(tx, row.taken_by)
            actor = Actor(taker.id, taker.name, Role(taker.role))
            sender = intake.Sender(row.organisation_id, actor, row.called_at)
            accepted = await intake.accept(tx, sender, claim, _check(row.claim, claim.database_version), received)
            await phone.use(tx, row, accepted.submission.id)
    answer = {**to_builtins(views.submission(accepted.submission)), "is_joined": accepted.is_joined}
    return Response(answer, status_code=202)


def _check(kept: dict[str, Any], claimed: str) -> DatabaseCheck:
    """The judgement of the moment when the request was taken."""
    return DatabaseCheck(
        verdict=DatabaseVerdict(kept["verdict"]),
        claimed=claimed,
        matched=kept["matched"],
        latest=kept["latest"],
        latest_published_at=None,
        outdated_since=None,
    )


ROUTES = [log_call, take_request, read_link, upload]
