"""What publishes, killed at a point of its work, as `tests.forked` says: python -m tests.trust.killed WHERE.

Points are: before an object goes to the store, when half of its bytes are on their way, and when it is there; before
and after each commit, named by the first that it writes; before and after each file takes its place, and when half of
one is there that is written in its place.
"""

import asyncio
import re
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast

import httpx2
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncSession

import sigreq.api.app
import sigreq.cli.signing_keys
from sigreq.api.app import create_app
from sigreq.api.console.pages import Pages
from sigreq.blobs import Blobs
from sigreq.cli.main import main
from sigreq.domain.signing import Lives
from sigreq.settings import Settings
from sigreq.transaction import Database
from sigreq.trust.extras import ExtraTeller
from sigreq.trust.keyring import Keyring
from sigreq.trust.repository import Repository
from tests.forked import Points, serve

_CHANGING = r"\b\d+(?=\.\w+\.json)|[0-9a-f]{64}"  # the version of a document, and the hash of what is stored


def _watch_store(points: Points) -> None:
    put, send = Blobs.put_bytes, HTTPConnection.send
    cut: list[str] = []  # what is to be cut in half on its way

    async def watched(store: Blobs, key: str, content: bytes, sha256: str) -> None:
        name = re.sub(_CHANGING, "*", key)
        points.passed(f"before {name}")
        cut[:] = [points.next(f"amid {name}")]
        await put(store, key, content, sha256)
        points.passed(f"after {name}")

    def sent(connection: HTTPConnection, data: bytes) -> None:
        if not (cut and points.is_last(cut[0])) or data.startswith(b"PUT "):
            send(connection, data)
            return
        send(connection, data[: len(data) // 2])
        points.die(cut[0])

    setattr(Blobs, "put_bytes", watched)  # noqa: B010 -- every bundle and document goes through it
    setattr(HTTPConnection, "send", sent)  # noqa: B010 -- and so do the bytes


def _watch_database(points: Points) -> None:
    commit, written = AsyncSession.commit, list[str]()

    async def watched(session: AsyncSession) -> None:
        if not written:
            await commit(session)
            return
        name = f"commit of {written[0]}"
        written.clear()
        points.passed(f"before {name}")
        await commit(session)
        points.passed(f"after {name}")

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found = re.match(r"(INSERT INTO|UPDATE|DELETE FROM) \w+", statement)
        if found is not None:
            written.append(found[0])

    setattr(AsyncSession, "commit", watched)  # noqa: B010 -- every transaction ends with it
    event.listen(Engine, "before_cursor_execute", executed)


def _watch_files(points: Points) -> None:
    replace, write = Path.replace, Path.write_bytes

    def replaced(draft: Path, target: Path) -> Path:
        points.passed(f"before {target.name}")
        found = replace(draft, target)
        points.passed(f"after {target.name}")
        return found

    def written(file: Path, content: bytes) -> int:
        name = points.next(f"amid {file.name}")
        if not points.is_last(name):
            return write(file, content)
        write(file, content[: len(content) // 2])
        return points.die(name)

    setattr(Path, "replace", replaced)  # noqa: B010 -- files that are replaced at once
    setattr(Path, "write_bytes", written)  # noqa: B010 -- and files that are not


async def _send(_: object) -> None:
    """No worker listens."""


async def _work(name: str) -> None:
    """What a worker does with the job."""
    settings = Settings()
    database = Database(settings.database.url.get_secret_value(), pool_size=2, send=_send)
    if name == "extras":
        await ExtraTeller(database, BUNDLES).run()
    else:
        await Repository(database, BUNDLES, Keyring(settings.trust), Lives()).run()
    await database.close()


async def _put(key: str, path: str, body: Mapping[str, Any]) -> None:
    """What the API does with a request."""
    async with (
        API.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(cast("Any", API)), base_url="http://api") as client,
    ):
        answer = await client.put(path, json=body, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code in {200, 201}, answer.text


def _act(points: Points, what: str, *arguments: Any) -> None:
    _watch_store(points)
    _watch_database(points)
    _watch_files(points)
    if what == "command":
        main(arguments)
    elif what == "put":
        asyncio.run(_put(*arguments))
    else:
        asyncio.run(_work(what))


if __name__ == "__main__":
    # What takes long is done here, once.
    assert sigreq.cli.signing_keys.signing_keys.name
    settings = Settings()
    BUNDLES, API = Blobs(settings.s3, settings.s3.bundles), create_app(settings)
    PAGES = Pages()
    setattr(sigreq.api.app, "Pages", lambda: PAGES)  # noqa: B010
    serve(_act)
