"""A sample leaves only as an AES zip with the password `infected`, and it is written down who took it, and why."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from typing import Annotated, BinaryIO

import pyzipper
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from sigreq.api.doorway import AnyRequest, Services, authenticate, spoken
from sigreq.blobs import BlobMissing, sample_key
from sigreq.domain import errors
from sigreq.domain.lifecycle import Event
from sigreq.domain.people import Permission, require
from sigreq.store import files, submissions
from sigreq.store.moves import Move, move_submission

PASSWORD = b"infected"
CHUNK = 1024 * 1024
GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


@get("/v1/submissions/{submission_id:str}/samples/{sha256:str}", summary="Download a sample, as a zip")
async def download(
    submission_id: FromPath[str],
    sha256: FromPath[str],
    reason: Annotated[str, QueryParameter(pattern=r"\S", description="why it is needed; it is written down")],
    request: AnyRequest,
    services: NamedDependency[Services],
) -> Stream:
    """An AES zip with the password `infected`; the file inside is named by its hash, never by the customer."""
    actor = await authenticate(request, services)
    require(actor, Permission.DECIDE)
    async with services.database.transaction() as tx:
        row = await submissions.get(tx, spoken("SR", submission_id), actor)
        if all(file.facts is None or file.facts.sha256 != sha256 for file in await files.of(tx, row)):
            raise errors.NotFound(what="sample", id=sha256[:64])
        data = {"sha256": sha256, "reason": reason[:500]}
        await move_submission(tx, row.id, Move(Event.SAMPLE_DOWNLOADED, actor, data=data))
    archive = await _zipped(services, row.organisation_id, sha256)
    headers = {**GUARDS, "Content-Disposition": f'attachment; filename="{sha256}.zip"'}
    return Stream(_chunks(archive), media_type="application/zip", headers=headers)


async def _zipped(services: Services, organisation_id: str, sha256: str) -> BinaryIO:
    work_dir = services.settings.work_dir
    with tempfile.TemporaryFile(dir=work_dir) as raw:  # without a name on disk, like every file here
        try:
            await services.samples.fetch(sample_key(organisation_id, sha256), raw)
        except BlobMissing as error:
            raise errors.NotFound(what="sample", id=sha256) from error
        archive: BinaryIO = tempfile.TemporaryFile(dir=work_dir)  # noqa: SIM115 - closed when it has been sent
        await asyncio.to_thread(_zip, raw, sha256, archive)
    return archive


def _zip(raw: BinaryIO, name: str, archive: BinaryIO) -> None:
    raw.seek(0)
    with pyzipper.AESZipFile(archive, "w", pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as zipped:
        zipped.setpassword(PASSWORD)
        with zipped.open(name, "w", force_zip64=True) as inner:
            shutil.copyfileobj(raw, inner, CHUNK)
    archive.seek(0)


async def _chunks(archive: BinaryIO) -> AsyncIterator[bytes]:
    with archive:
        while chunk := await asyncio.to_thread(archive.read, CHUNK):
            yield chunk


ROUTES = [download]
