"""The bundle repository over HTTP, as it lies in the store. Clients believe its signatures, not the server."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from sigreq.api.doorway import AnyRequest, Services, authenticate
from sigreq.blobs import BlobMissing
from sigreq.domain import errors
from sigreq.domain.extra_bundles import is_relief
from sigreq.domain.people import Permission, require
from sigreq.domain.signing import is_repository_file, product_of, target_of
from sigreq.store import repository, submissions
from sigreq.trust.targets import stored_as

CHUNK = 1024 * 1024
# All but the timestamp never change; who holds a key may keep them, caches in between may not.
KEPT = "private, max-age=31536000, immutable"


@get("/v1/repository/{path:path}", summary="A file of the bundle repository")
async def read_file(path: FromPath[str], request: AnyRequest, services: NamedDependency[Services]) -> Stream:
    """`metadata/...` and `targets/...`, as a TUF client asks for them. A mirror is a plain copy.

    Metadata for every key, bundles for customers who have asked about the product; for everybody where
    SIGREQ_TRUST__IS_PUBLIC says so. Relief is for the organisation of its case alone, everywhere.
    """
    name = path.removeprefix("/")
    target = target_of(name.removeprefix("targets/")) if name.startswith("targets/") else None
    is_public = services.settings.trust.is_public and not (target and is_relief(target))
    if not is_public:
        actor = await authenticate(request, services)
        require(actor, Permission.READ_BUNDLES)
        if target is not None and actor.organisation_id is not None:
            await _check_theirs(services, target, actor.organisation_id)
    if not is_repository_file(name):
        raise errors.NotFound(what="file of the repository", id=name[:200])
    content = await _fetched(services, name)
    size = content.seek(0, 2)
    content.seek(0)
    is_metadata = name.startswith("metadata/")
    kept = KEPT.replace("private", "public") if is_public else KEPT
    headers = {
        "Content-Length": str(size),
        "Cache-Control": "no-cache" if name == "metadata/timestamp.json" else kept,
        "X-Content-Type-Options": "nosniff",
    }
    media_type = "application/json" if is_metadata else "application/octet-stream"
    return Stream(_chunks(content), media_type=media_type, headers=headers)


async def _check_theirs(services: Services, target: str, organisation_id: str) -> None:
    async with services.database.transaction() as tx:
        if not is_relief(target):
            await submissions.check_customer_of(tx, organisation_id, product_of(target))
        elif not await repository.is_organisations(tx, target, organisation_id):
            raise errors.NotFound(what="file of the repository", id=target[:200])


async def _fetched(services: Services, name: str) -> BinaryIO:
    # Without a name on disk, like every file here, and closed when it has been sent.
    content: BinaryIO = tempfile.TemporaryFile(dir=services.settings.work_dir)  # noqa: SIM115
    try:
        await services.bundles.fetch(stored_as(name), content)
    except BlobMissing as error:
        content.close()
        raise errors.NotFound(what="file of the repository", id=name) from error
    except BaseException:
        content.close()
        raise
    return content


async def _chunks(content: BinaryIO) -> AsyncIterator[bytes]:
    with content:
        while chunk := await asyncio.to_thread(content.read, CHUNK):
            yield chunk


ROUTES = [read_file]
