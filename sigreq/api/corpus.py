"""The clean corpus: what its keeper adds and removes, and what anybody on the staff may look at."""

from pathlib import Path
from typing import Any

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sigreq.api.doorway import AnyRequest, Services, authenticate
from sigreq.api.schemas import CorpusHashesIn, CorpusSourceIn
from sigreq.api.uploads import receive_files
from sigreq.corpus import keeping
from sigreq.corpus.keeping import Clean
from sigreq.corpus.reading import newest_rulesets
from sigreq.domain.people import Actor, Permission, require
from sigreq.scanning.published import Rulesets
from sigreq.spool import Spool
from sigreq.store import corpus
from sigreq.tables.corpus import CorpusRevision, CorpusSource
from sigreq.transaction import Transaction

SHOWN_REVISIONS = 20
UPLOAD_BYTES = 3 * 1024**3


@get("/v1/corpus", summary="The clean corpus")
async def read_corpus(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """Its sources, and its newest revisions: `contents` are scanned by the gate, `hashes` are only looked up."""
    require(actor, Permission.SEE_CHANGES)
    counts = await corpus.counts(tx)
    sources = [_source(each, *counts.get(each.id, (0, 0))) for each in await corpus.sources(tx)]
    return {"sources": sources, "revisions": [_revision(each) for each in await corpus.revisions(tx, SHOWN_REVISIONS)]}


@post("/v1/admin/corpus", status_code=201, summary="Add a source of clean files")
async def add_source(
    data: JSONBody[CorpusSourceIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """A folder or a list of hashes is then sent and completed; a prefix of the store is read in the background."""
    require(actor, Permission.ADMINISTER)
    return _source(await keeping.add(tx, actor, data.id, data.kind, data.location), 0, 0)


@post("/v1/admin/corpus/{source_id:str}/missing", status_code=200, summary="Which contents are still to be sent")
async def missing(
    source_id: FromPath[str],
    data: JSONBody[CorpusHashesIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """The others are here already, and belong to this source from now on."""
    require(actor, Permission.ADMINISTER)
    return {"missing": await keeping.missing(tx, source_id, data.sha256s)}


@post("/v1/admin/corpus/{source_id:str}/hashes", status_code=200, summary="Add hashes of clean files")
async def add_hashes(
    source_id: FromPath[str],
    data: JSONBody[CorpusHashesIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """They are looked up when a file is to be detected by its hash."""
    require(actor, Permission.ADMINISTER)
    await keeping.add_hashes(tx, source_id, data.sha256s)
    return {"taken": len(data.sha256s)}


@post(
    "/v1/admin/corpus/{source_id:str}/files",
    status_code=200,
    summary="Send clean files",
    request_max_body_size=UPLOAD_BYTES,
)
async def send_files(
    source_id: FromPath[str], request: AnyRequest, services: NamedDependency[Services]
) -> dict[str, Any]:
    """Multipart, parts named `file`; each is in the store before it counts as the source's."""
    actor = await authenticate(request, services)
    require(actor, Permission.ADMINISTER)
    async with services.database.transaction() as tx:
        await keeping.open_source(tx, source_id)
    settings = services.settings
    with Spool(Path(settings.work_dir)) as spool:
        files = await receive_files(request.stream(), request.headers, settings.limits, spool)
        clean = [Clean(each.file, each.facts.sha256, each.facts.size) for each in files]
        await keeping.take(services.database, services.bundles, source_id, clean)
    return {"taken": len(files)}


@post("/v1/admin/corpus/{source_id:str}/complete", status_code=200, summary="All of a source is there")
async def complete(
    source_id: FromPath[str], request: AnyRequest, services: NamedDependency[Services]
) -> dict[str, Any]:
    """From now on it counts. Refused when a file of it is known as malware."""
    actor = await authenticate(request, services)
    require(actor, Permission.ADMINISTER)
    in_force = await newest_rulesets(services.database, Rulesets(services.bundles))
    async with services.database.transaction() as tx:
        return _revision(await keeping.complete(tx, actor, source_id, in_force))


@delete("/v1/admin/corpus/{source_id:str}", status_code=200, summary="Remove a source")
async def remove(
    source_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """What other sources have too stays."""
    require(actor, Permission.ADMINISTER)
    return _revision(await keeping.remove(tx, actor, source_id))


def _source(row: CorpusSource, files: int, size: int) -> dict[str, Any]:
    shown = ("id", "kind", "location", "state", "added_at", "completed_at", "fault")
    return {**{name: getattr(row, name) for name in shown}, "files": files, "bytes": size}


def _revision(row: CorpusRevision) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("number", "at", "what", "contents", "hashes")}


ROUTES = [read_corpus, add_source, missing, add_hashes, send_files, complete, remove]
