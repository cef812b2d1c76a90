"""What pages load: our own files, and those that `tools/assets` brings. Their addresses change with their content."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from litestar import Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from sigreq.domain.errors import NotFound

HERE = Path(__file__).parent
OWN = ("console.css", "keys.js", "submit.js")
BROUGHT = ("pico.min.css", "htmx.min.js", "hx-sse.min.js")
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
# A page may load what this service itself serves, and nothing else; Pico draws its ticks and arrows as data: images.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class AssetsMissing(Exception):
    """What the console's pages load is not there: run `sh tools/assets` where sigreq is installed from."""


@dataclass(frozen=True)
class Asset:
    """One file."""

    content: bytes
    media_type: str


class Assets:
    """All files by their address, `name-hash.suffix`. Raises AssetsMissing."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._files: dict[str, Asset] = {}
        for folder, names in (("static", OWN), ("vendor", BROUGHT)):
            for name in names:
                self._add(HERE / folder / name)

    def _add(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise AssetsMissing(AssetsMissing.__doc__) from error
        hashed = f"{path.stem}-{sha256(content).hexdigest()[:16]}{path.suffix}"
        self._addresses[path.name] = f"/assets/{hashed}"
        self._files[hashed] = Asset(content, MEDIA_TYPES[path.suffix])

    def address(self, name: str) -> str:
        """Where a page finds this file."""
        return self._addresses[name]

    def find(self, hashed: str) -> Asset | None:
        """The file that has this very name, if there is one."""
        return self._files.get(hashed)


@get("/assets/{name:str}", include_in_schema=False)
async def read_asset(name: FromPath[str], state: State) -> Response[bytes]:
    """One file. Its name holds its hash, so it may be kept for ever. Raises NotFound."""
    found = state.assets.find(name)
    if found is None:
        raise NotFound(what="file", id=name[:100])
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)
