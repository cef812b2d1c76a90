"""The upload: judged before the bytes, bytes before rows, and no transaction open while they come."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.openapi import spec
from litestar.params import HeaderParameter
from msgspec import to_builtins

from sigreq.api import views
from sigreq.api.doorway import AnyRequest, Services, authenticate, etag
from sigreq.api.schemas import SubmissionIn, parse
from sigreq.api.uploads import FIELDS, FILE, receive
from sigreq.blobs import sample_key
from sigreq.domain import errors
from sigreq.domain.claim import Claim
from sigreq.domain.people import Actor, Permission, require
from sigreq.domain.register import DatabaseCheck
from sigreq.spool import Spool, SpooledSample
from sigreq.store import idempotency
from sigreq.validation import intake

LONGEST_KEY = 200


class Upload:
    """One upload on its way through the door."""

    def __init__(self, services: Services, actor: Actor, key: str | None) -> None:
        self.services = services
        self.actor = actor
        self.key = key
        self.claim: Claim | None = None
        self.found: DatabaseCheck | None = None

    async def judge(self, fields: bytes) -> None:
        """Refuse what can be refused before the bytes. A key that was used gets its old answer, however old."""
        await self.judge_claim(parse(SubmissionIn, fields, "the part `submission`", FIELDS).claim())

    async def judge_claim(self, claim: Claim) -> None:
        """The same, of a claim that was read already."""
        self.claim = claim
        async with self.services.database.transaction() as tx:
            product, self.found = await intake.check_database(tx, self.claim.product, self.claim.database_version)
            is_known = self.key is not None and await idempotency.answered_before(tx, self.actor.person_id, self.key)
        if not is_known:
            intake.refuse_unless_latest(product, self.found)

    async def accept(self, spooled: list[SpooledSample]) -> tuple[dict[str, Any], bool]:
        """The answer, and whether it was given before."""
        assert self.claim is not None and self.found is not None  # noqa: S101, PT018 - `judge` ran, or nothing was received
        received = [sample.facts for sample in spooled]
        intake.check_hashes(self.claim, received)
        await store_all(self.services, self.actor.organisation_id or "", spooled)
        async with self.services.database.transaction() as tx:
            if self.key is not None:
                key_print = intake.fingerprint(self.claim, received)
                before = await intake.answer_given(tx, self.actor, self.key, key_print)
                if before is not None:
                    return before, True
            sender = intake.Sender(self.actor.organisation_id or "", self.actor)
            accepted = await intake.accept(tx, sender, self.claim, self.found, received)
            answer = {**to_builtins(views.submission(accepted.submission)), "is_joined": accepted.is_joined}
            if self.key is not None:
                await idempotency.keep_answer(tx, self.actor.person_id, self.key, answer)
        return answer, False


async def store_all(services: Services, organisation_id: str, spooled: list[SpooledSample]) -> None:
    """Bytes before rows. Raises ServiceUnavailable."""
    for sample in spooled:
        key = sample_key(organisation_id, sample.facts.sha256)
        await services.samples.put_file(key, sample.file, sample.facts.sha256)


@dataclass
class _Submit(spec.Operation):
    """The body in the API's description, which cannot be seen from a handler that reads it as it comes."""

    def __post_init__(self) -> None:
        fields = spec.Reference(ref=f"#/components/schemas/{SubmissionIn.__name__}")
        file = spec.Schema(type=spec.OpenAPIType.STRING, format=spec.OpenAPIFormat.BINARY)
        files = spec.Schema(type=spec.OpenAPIType.ARRAY, items=file)
        parts: dict[str, spec.Reference | spec.Schema] = {FIELDS: fields, FILE: files}
        body = spec.Schema(type=spec.OpenAPIType.OBJECT, required=[*parts], properties=parts)
        self.request_body = spec.RequestBody({"multipart/form-data": spec.OpenAPIMediaType(body)}, required=True)


@post(
    "/v1/submissions",
    status_code=202,
    request_max_body_size=None,
    summary="Submit a false positive or negative",
    operation_class=_Submit,
)
async def submit(
    request: AnyRequest,
    services: NamedDependency[Services],
    idempotency_key: Annotated[
        str | None, HeaderParameter(name="Idempotency-Key", description=f"1 to {LONGEST_KEY} characters of your choice")
    ] = None,
) -> Response[dict[str, Any]]:
    """multipart/form-data: the JSON part `submission` first, then one or more parts `file`.

    The database version is checked before any file byte is taken. With `Idempotency-Key` the same request can be sent
    again and gets the same answer.
    """
    actor = await authenticate(request, services)
    require(actor, Permission.SUBMIT)
    upload = Upload(services, actor, _checked(idempotency_key))
    with Spool(services.settings.work_dir / "spool") as spool:
        spooled = await receive(request.stream(), request.headers, services.settings.limits, spool, upload.judge)
        answer, is_replayed = await upload.accept(spooled)
    headers = {"Location": f"/v1/submissions/{answer['id']}", **etag(answer["revision"])}
    if is_replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer, status_code=202, headers=headers)


def _checked(key: str | None) -> str | None:
    """The same. Raises RequestMalformed for an empty or very long one."""
    if key is not None and not 1 <= len(key) <= LONGEST_KEY:
        raise errors.RequestMalformed(reason=f"Idempotency-Key must have 1 to {LONGEST_KEY} characters")
    return key


ROUTES = [submit]
