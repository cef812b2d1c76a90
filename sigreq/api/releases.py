"""What release tooling uses beside the feed: the published rules, and the answer that a version is out."""

import asyncio
from dataclasses import replace
from typing import Any

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from sigreq.api import views
from sigreq.api.doorway import AnyRequest, Services, authenticate, spoken
from sigreq.api.schemas import ReleaseIn, parse
from sigreq.api.submissions import MAX_PAGE
from sigreq.blobs import ruleset_key
from sigreq.domain import errors, release_errors
from sigreq.domain.bundles import UnfitRulesetError
from sigreq.domain.people import Actor, Permission, require
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.signing import target_name
from sigreq.domain.targets import Target
from sigreq.release.gate import Train, begin_train
from sigreq.release.publish import Built, Publication, check_version, known_product, publish
from sigreq.scanning import bundled
from sigreq.store import gates, releases, submissions
from sigreq.transaction import Transaction
from sigreq.trust.targets import store

RULESET_BODY_BYTES = 64 * 1024**2


@get("/v1/releases/{product:str}", summary="The release register")
async def list_releases(
    product: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Highest ordinal first."""
    require(actor, Permission.READ_RULES)
    await releases.known_product(tx, product)
    rows = await releases.listed(tx, product, MAX_PAGE)
    return {"items": [views.release(row) for row in rows]}


@get("/v1/releases/{product:str}/{version:str}/ruleset", summary="The rules of a version")
async def read_ruleset(
    product: FromPath[str], version: FromPath[str], request: AnyRequest, services: NamedDependency[Services]
) -> Response[bytes]:
    """The document whose SHA-256 is the register's `ruleset_digest`."""
    actor = await authenticate(request, services)
    require(actor, Permission.READ_RULES)
    async with services.database.transaction() as tx:
        row = await releases.release(tx, product, version)
    document = await services.bundles.get_bytes(ruleset_key(row.ruleset_digest))
    return Response(document, media_type="application/json", headers={"ETag": f'"{row.ruleset_digest}"'})


@post("/v1/releases/{product:str}/{version:str}/gate", status_code=202, request_max_body_size=RULESET_BODY_BYTES)
async def test_train(
    product: FromPath[str], version: FromPath[str], request: AnyRequest, services: NamedDependency[Services]
) -> Response[views.GateView]:
    """Test a whole version before it is published; the body is the one that will publish it.

    In the background: read `/v1/gates/{id}` until it has ended. The pass holds until another version is published, a
    case is solved or the clean corpus changes; then the same version again costs only what is new.
    """
    actor = await authenticate(request, services)
    require(actor, Permission.PUBLISH)
    publication = await _sent(product, version, request, services)
    included = [each.change_id for each in publication.built if each.is_included]
    async with services.database.transaction() as tx:
        await check_version(tx, product, version)
        run = await begin_train(tx, actor, Train(product, version, publication.ruleset, included))
    return Response(views.gate(run), status_code=202)


@get("/v1/gates/{run_id:str}", summary="A run of the gate")
async def read_gate(
    run_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> views.GateView:
    """How far it is, and once it has ended its report."""
    require(actor, Permission.SEE_GATES)
    return views.gate(await gates.get(tx, spoken(gates.GATE_PREFIX, run_id)))


@put("/v1/releases/{product:str}/{version:str}", summary="Publish a version", request_max_body_size=RULESET_BODY_BYTES)
async def publish_release(
    product: FromPath[str], version: FromPath[str], request: AnyRequest, services: NamedDependency[Services]
) -> Response[views.ReleaseView]:
    """All or nothing. 201 when new, 200 for the same again, 409 for other content under a used version.

    JSON with `ordinal`, `ruleset` (`rules` by name, `allowed`, `hashes`, `disabled`) and `changes` (`id`, `rev`,
    `is_included`, `reason`); read only after the key was found good, because it may be large. It must have passed the
    gate; only an administrator may publish without, or date a version back. With `rolls_back_to` it has the rules of
    that version, which need no other pass; the changes that came out since go back to their analysts.
    """
    actor = await authenticate(request, services)
    require(actor, Permission.PUBLISH)
    publication = await _sent(product, version, request, services)
    if publication.published_at is not None:
        require(actor, Permission.ADMINISTER)
    publication = await _offered(await _bundled(publication, services), services)
    async with services.database.transaction() as tx:
        row, is_new = await publish(tx, actor, publication)
    return Response(views.release(row), status_code=201 if is_new else 200)


async def _sent(product: str, version: str, request: AnyRequest, services: Services) -> Publication:
    """What came, with its signatures in the bundle store."""
    data = await asyncio.to_thread(parse, ReleaseIn, await request.body())
    sent = data.ruleset
    ruleset = Ruleset(sent.rules, frozenset(sent.allowed), sent.hashes, sent.disabled)
    built = [Built(each.id, each.rev, each.is_included, each.reason) for each in data.changes]
    await services.bundles.put_bytes(ruleset_key(ruleset.digest), ruleset.document(), ruleset.digest)
    return Publication(product, version, data.ordinal, ruleset, built, data.published_at, data.rolls_back_to)


async def _bundled(publication: Publication, services: Services) -> Publication:
    """The same, with a bundle for each engine of the product in the store. Raises ProductUnknown, RulesetUnfit."""
    async with services.database.transaction() as tx:
        product = await known_product(tx, publication.product)
    targets = [Target(each) for each in product.targets]
    try:
        kept = await bundled.keep(services.bundles, product.id, publication.version, publication.ruleset, targets)
    except UnfitRulesetError as error:
        raise release_errors.RulesetUnfit(version=publication.version, why=str(error)) from error
    return replace(publication, bundles=kept)


async def _offered(publication: Publication, services: Services) -> Publication:
    """The same, with what clients of the bundle repository get in its place there: the bundles, and the rules."""
    files = {"ruleset.json": publication.ruleset.document()}
    for target, bundle in bundled.described(publication.bundles).items():
        files[f"{target}.tar"] = await bundled.fetched(services.bundles, bundle)
    product, version = publication.product, publication.version
    stored = [await store(services.bundles, target_name(product, version, file), files[file]) for file in files]
    return replace(publication, offered=stored)


@get("/v1/releases/{product:str}/{version:str}/bundles/{target:str}", summary="A version as an engine loads it")
async def read_bundle(
    product: FromPath[str],
    version: FromPath[str],
    target: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
) -> Response[bytes]:
    """The archive whose name, size and SHA-256 are in the register; for staff, release tooling and its customers."""
    actor = await authenticate(request, services)
    require(actor, Permission.READ_BUNDLES)
    async with services.database.transaction() as tx:
        if actor.organisation_id is not None:
            await submissions.check_customer_of(tx, actor.organisation_id, product)
        row = await releases.release(tx, product, version)
    found = bundled.described(row.bundles).get(Target(target)) if target in set(Target) else None
    if found is None:
        raise errors.NotFound(what=f"bundle of {product} {version}", id=target[:60])
    content = await bundled.fetched(services.bundles, found)
    headers = {"ETag": f'"{found.sha256}"', "Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(content, media_type="application/x-tar", headers=headers)


ROUTES = [list_releases, read_ruleset, read_bundle, test_train, read_gate, publish_release]
