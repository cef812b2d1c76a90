"""One file of a case: what it is, and the bytes around the places where rules hit. Never the file itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from sigreq.api import sample_views
from sigreq.api.console.desk import Arrival
from sigreq.api.doorway import Services, spoken
from sigreq.api.sample_views import FileView
from sigreq.blobs import BlobMissing, sample_key
from sigreq.domain import errors
from sigreq.domain.errors import Problem
from sigreq.domain.hexview import Row, Window, rows, windows
from sigreq.domain.people import Permission
from sigreq.store import submissions
from sigreq.validation import report


@dataclass(frozen=True)
class Hit:
    """Where a string of a rule was found."""

    rule: str
    string: str
    offset: int


@dataclass(frozen=True)
class Glimpse:
    """Some bytes, and the hits among them."""

    hits: Sequence[Hit]
    rows: Sequence[Row]


def tree(files: Sequence[FileView]) -> list[tuple[FileView, int, str | None]]:
    """Each file with how deep it lies and the name of what holds it, members right behind what holds them."""
    known = {each.position: each for each in files}
    members: dict[int | None, list[FileView]] = {}
    for each in files:
        members.setdefault(each.parent if each.parent in known else None, []).append(each)

    def below(parent: int | None, depth: int) -> Iterator[tuple[FileView, int, str | None]]:
        for each in members.get(parent, ()):
            yield each, depth, known[parent].name if parent is not None else None
            yield from below(each.position, depth + 1)

    return list(below(None, 0))


@get("/cases/{case:str}/files/{position:int}")
async def show_file(arrival: NamedDependency[Arrival], case: FromPath[str], position: FromPath[int]) -> Response[str]:
    """What is known of a file, and where rules hit it, with the bytes there; they are read with no transaction open."""
    async with arrival.visit() as visitor:
        visitor.may(Permission.SEE_QUEUE)
        row = await submissions.get(visitor.tx, spoken("SR", case), visitor.actor)
        found, _ = await report.of(visitor.tx, row, after=position - 1, limit=1) if position >= 0 else ([], None)
    if not found or found[0].file.position != position:
        raise errors.NotFound(what="file", id=str(position))
    file = sample_views.file(found[0], is_staff=True)
    hits = _hits(file)
    glimpses, problem = await _glimpses(arrival.services, row.organisation_id, file, hits)
    async with arrival.visit() as visitor:
        return visitor.page(
            "file.html",
            row=row,
            file=file,
            glimpses=glimpses,
            left_out=len(hits) - sum(len(each.hits) for each in glimpses),
            problem=problem,
        )


def _hits(file: FileView) -> list[Hit]:
    """Every place once, whichever scans found it, by offset."""
    found = {
        Hit(hit["rule"], string["identifier"], offset)
        for scan in file.scans
        for hit in scan.hits or ()
        for string in hit["strings"]
        for offset in string["offsets"]
    }
    return sorted(found, key=lambda each: (each.offset, each.rule, each.string))


async def _glimpses(
    services: Services, organisation_id: str, file: FileView, hits: Sequence[Hit]
) -> tuple[list[Glimpse], Problem | None]:
    """The bytes around the first hits; without them, why they cannot be had."""
    if file.identity is None:
        return [], None
    key = sample_key(organisation_id, file.identity.sha256)
    offsets = [each.offset for each in hits]
    found = []
    try:
        for window in windows(offsets, file.identity.size):
            content = await services.samples.get_range(key, window.start, window.end)
            found.append(_glimpse(content, window, hits))
    except BlobMissing:
        return [], errors.NotFound(what="sample", id=file.identity.sha256)
    except errors.ServiceUnavailable as problem:
        return [], problem
    return found, None


def _glimpse(content: bytes, window: Window, hits: Sequence[Hit]) -> Glimpse:
    inside = [each for each in hits if each.offset in window]
    return Glimpse(inside, rows(content, window, {each.offset for each in inside}))


ROUTES = [show_file]
