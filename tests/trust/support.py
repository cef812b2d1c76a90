"""A bundle repository with its keys and holders, copies of it served by a plain web server, and stock clients."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self, TypeVar

from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import Metadata, Root
from tuf.ngclient import Updater

from sigreq.blobs import Blobs, repository_key
from sigreq.domain.changes import ChangeKind
from sigreq.domain.extras import additions_of
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import Role
from sigreq.domain.signing import KeyRole, Lives
from sigreq.domain.submission import Track
from sigreq.domain.versions import Scheme
from sigreq.embedded.stack import Addresses
from sigreq.settings import S3, Trust
from sigreq.store import extras, people, releases
from sigreq.tables.extras import Extra
from sigreq.tables.releases import Change, Release
from sigreq.transaction import Database, Transaction
from sigreq.trust import ceremony, targets
from sigreq.trust.ceremony import Maker
from sigreq.trust.keyring import Keyring
from sigreq.trust.repository import Repository
from sigreq.trust.roots import Holders
from tests.embedded.support import query
from tests.trust.installation import PASSPHRASE

T = TypeVar("T")
TABLES = "signing_key, repository_document, bundle_target, evidence, job, release, product, person, organisation"
PREFIX = repository_key("")


def stores(addresses: Addresses) -> S3:
    """The settings of the stack's store."""
    buckets = {
        name: {
            "name": getattr(addresses, f"{name}_bucket"),
            "access_key": getattr(addresses, f"{name}_access_key"),
            "secret_key": getattr(addresses, f"{name}_secret_key"),
        }
        for name in ("samples", "bundles")
    }
    return S3.model_validate({"endpoint": addresses.s3_endpoint, **buckets})


async def _send(_: object) -> None:
    """No worker listens."""


class Site:
    """An installation without its service: the test does what workers would. Its clock is the test's."""

    def __init__(self, addresses: Addresses, folder: Path) -> None:
        self.addresses = addresses
        self.folder = folder
        self.now = datetime.now(UTC)
        self.trust = Trust.model_validate({"passphrase": PASSPHRASE})
        self.lives = Lives()
        self.holders = [CryptoSigner.generate_ed25519() for _ in range(3)]
        self._loop = asyncio.new_event_loop()
        self._ordinal = 0

    def __enter__(self) -> Self:
        query(self.addresses.owner_database_url, f"TRUNCATE {TABLES} CASCADE")
        self.database = Database(self.addresses.database_url, pool_size=3, send=_send, clock=lambda: self.now)
        self.bundles = Blobs(stores(self.addresses), stores(self.addresses).bundles)
        for key in self.wait(self.bundles.keys(PREFIX)):
            self.wait(self.bundles.remove(key))
        self.do(self._product)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self.database.close())
        self._loop.close()

    @property
    def repository(self) -> Repository:
        """What publishes."""
        return Repository(self.database, self.bundles, Keyring(self.trust), self.lives)

    def wait(self, work: Awaitable[T]) -> T:
        """Its outcome."""
        return self._loop.run_until_complete(work)

    def do(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do the work in a transaction."""

        async def run() -> T:
            async with self.database.transaction() as tx:
                return await work(tx)

        return self.wait(run())

    async def _product(self, tx: Transaction) -> None:
        fields = {"id": "acme-av", "title": "Acme", "grace_seconds": 0, "update_instructions": "Update."}
        await releases.add_product(tx, {**fields, "scheme": Scheme.DATE_REVISION})
        self.publisher = (await people.add_person(tx, "Release tooling", Role.RELEASE, None)).id

    def offer(self, version: str, **bundles: bytes) -> None:
        """Publish a version with these bundles: `yara` becomes acme-av/VERSION/yara.tar."""
        self.offer_as(version, {f"acme-av/{version}/{name}.tar": content for name, content in bundles.items()})

    def offer_as(self, version: str, bundles: dict[str, bytes]) -> None:
        """Publish a version with bundles of these names."""
        stored = [self.wait(targets.store(self.bundles, *each)) for each in bundles.items()]
        self._ordinal += 1

        async def offer(tx: Transaction) -> None:
            row = Release(
                product_id="acme-av",
                version=version,
                ordinal=self._ordinal,
                published_at=tx.at,
                ruleset_digest="0" * 64,
                content_digest="0" * 64,
                published_by=self.publisher,
            )
            tx.session.add(row)
            await targets.offer(tx, "acme-av", version, stored)

        self.do(offer)

    def publish(self) -> None:
        """What the worker does with the job."""
        self.wait(self.repository.run())

    def create(
        self, thresholds: dict[Track, int] | None = None, outside: dict[KeyRole, list[Key]] | None = None
    ) -> Metadata[Root]:
        """Keys, and the first root, unsigned."""
        holders = Holders([each.public_key for each in self.holders], 2, thresholds or dict.fromkeys(Track, 1))
        return self.do(lambda tx: ceremony.create(tx, Maker(PASSPHRASE, outside or {}), holders))

    def install(self, document: Metadata[Root], holders: Sequence[CryptoSigner] | None = None) -> bytes:
        """Have holders sign a root, and put it in force; the bytes of the one that is."""
        for each in self.holders[:2] if holders is None else holders:
            document.sign(each, append=True)
        return self.do(lambda tx: ceremony.install(tx, Keyring(self.trust), self.lives, document)).to_bytes()

    def rotate(self, *roles: KeyRole, is_compromised: bool = False) -> bytes | None:
        """Replace keys, with a new root where one is needed."""
        maker = Maker(PASSPHRASE, {})
        document = self.do(lambda tx: ceremony.rotate(tx, maker, roles, is_compromised=is_compromised))
        return None if document is None else self.install(document)

    def mirror(self, name: str = "mirror") -> Path:
        """A plain copy of what the store has under the repository's prefix, for `served`."""
        copy = self.folder / name
        shutil.rmtree(copy, ignore_errors=True)
        for key in self.wait(self.bundles.keys(PREFIX)):
            file = copy / key.removeprefix(PREFIX)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.wait(self.bundles.get_bytes(key)))
        return copy


async def add_extra(tx: Transaction, person: str, base: str | None) -> Extra:
    """An approved change, and an extra of it that is in force for an hour: one hash."""
    change = Change(
        id=new_identifier("CH"), product_id="acme-av", kind=ChangeKind.HASH_ADD, track=Track.EXPEDITED,
        state=ChangeState.APPROVED, revision=0, rev=1, created_at=tx.at,
    )  # fmt: skip
    tx.session.add(change)
    await tx.session.flush()
    payload = {"sha256": "a" * 64, "name": "Urgent"}
    row = Extra(
        id=new_identifier("EX"), product_id="acme-av", base_version=base, kind=ChangeKind.HASH_ADD, payload=payload,
        sha256="a" * 64, digest=additions_of(ChangeKind.HASH_ADD, payload).digest, change_id=change.id, hours=1,
        proposed_by=person, proposed_at=tx.at, live_at=tx.at, expires_at=tx.at + timedelta(hours=1),
    )  # fmt: skip
    return await extras.add(tx, row)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Mirror:
    """A folder on a plain web server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Customer:
    """Somebody with a root file and a stock TUF client, which remembers what it has seen."""

    def __init__(self, folder: Path, root: bytes) -> None:
        self._folder = folder
        self._root = root
        for each in ("metadata", "targets"):
            (folder / each).mkdir(parents=True, exist_ok=True)

    def get(self, mirror: Path, *names: str) -> list[bytes | None]:
        """The bundles of these names, each checked by the client; None for what nobody may offer or does."""
        with self._client(mirror) as client:
            found = [client.get_targetinfo(name) for name in names]
            return [Path(client.download_target(each)).read_bytes() if each else None for each in found]

    def knows(self, mirror: Path, *names: str) -> list[bool]:
        """Whether the client believes that there are bundles of these names."""
        with self._client(mirror) as client:
            return [client.get_targetinfo(name) is not None for name in names]

    @contextmanager
    def _client(self, mirror: Path) -> Iterator[Updater]:
        with Mirror(mirror) as served:
            metadata, targets = str(self._folder / "metadata"), str(self._folder / "targets")
            client = Updater(
                metadata, f"{served.url}/metadata/", targets, f"{served.url}/targets/", bootstrap=self._root
            )
            client.refresh()
            yield client


def newest(mirror: Path, role: str) -> Path:
    """The file of a role's newest document."""
    if role == "timestamp":
        return mirror / "metadata" / "timestamp.json"
    return max((mirror / "metadata").glob(f"*.{role}.json"), key=lambda file: int(file.name.split(".")[0]))


def document(file: Path) -> dict[str, Any]:
    """A document as JSON."""
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def days(count: float) -> timedelta:
    """So many."""
    return timedelta(days=count)


def signed_by(file: Path) -> set[str]:
    """Whose signatures a document carries."""
    return {each["keyid"] for each in document(file)["signatures"]}
