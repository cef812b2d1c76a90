"""Signing keys of a local installation: made at its first start, so that everything that goes out is signed.

They are for development. The key of the root should lie with people, offline; this one lies in the data folder.
"""

import asyncio
from pathlib import Path

from sigreq.domain.signing import ROOT, Lives
from sigreq.domain.submission import Track
from sigreq.embedded.process import write_private
from sigreq.settings import Trust
from sigreq.store import repository
from sigreq.transaction import Database, Transaction
from sigreq.trust import ceremony
from sigreq.trust.ceremony import Maker
from sigreq.trust.holder import new_root_key, sign_root
from sigreq.trust.keyring import Keyring, read_public
from sigreq.trust.roots import Holders

ROOT_KEY, ROOT_FILE = "root-key.development.pem", "root.json"


def development_keys(database_url: str, folder: Path, passphrase: str) -> None:
    """Make and install keys, once: nothing is done where a root is in force. `root.json` is what clients trust."""
    asyncio.run(_make(database_url, folder, passphrase))


async def _make(database_url: str, folder: Path, passphrase: str) -> None:
    async def send(_: object) -> None:
        """Nobody listens yet; the workers will find the job."""

    database = Database(database_url, pool_size=1, send=send)
    try:
        async with database.transaction() as tx:
            if await repository.latest(tx, ROOT) is None:
                await _install(tx, folder, passphrase)
    finally:
        await database.close()


async def _install(tx: Transaction, folder: Path, passphrase: str) -> None:
    _, private, public = new_root_key(passphrase)
    holders = Holders([read_public(public)], 1, dict.fromkeys(Track, 1))
    document = await ceremony.create(tx, Maker(passphrase, {}), holders)
    sign_root(document, private, passphrase)
    settings = Trust.model_validate({"passphrase": passphrase})
    await ceremony.install(tx, Keyring(settings), Lives(), document)
    write_private(folder / ROOT_KEY, private)
    (folder / ROOT_FILE).write_bytes(document.to_bytes())
