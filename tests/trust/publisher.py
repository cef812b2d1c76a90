"""Publishes once, and is killed at the step that the command line names: before or after the store has an object.

Run as a process of its own: python -m tests.trust.publisher STEP, with the settings in the environment.
"""

import asyncio
import os
import signal
import sys

from sigreq.blobs import Blobs
from sigreq.domain.signing import Lives
from sigreq.embedded.stack import Addresses
from sigreq.settings import Settings
from sigreq.transaction import Database
from sigreq.trust.keyring import Keyring
from sigreq.trust.repository import Repository

PASSPHRASE = "correct-horse-battery-staple"


def environment(addresses: Addresses) -> dict[str, str]:
    """The settings of an installation on this stack."""
    found = {
        "SIGREQ_DATABASE__URL": addresses.database_url,
        "SIGREQ_REDIS__URL": addresses.redis_url,
        "SIGREQ_S3__ENDPOINT": addresses.s3_endpoint,
        "SIGREQ_TRUST__PASSPHRASE": PASSPHRASE,
    }
    for name in ("samples", "bundles"):
        found[f"SIGREQ_S3__{name.upper()}__NAME"] = getattr(addresses, f"{name}_bucket")
        found[f"SIGREQ_S3__{name.upper()}__ACCESS_KEY"] = getattr(addresses, f"{name}_access_key")
        found[f"SIGREQ_S3__{name.upper()}__SECRET_KEY"] = getattr(addresses, f"{name}_secret_key")
    return found


class Killed(Blobs):
    """A store whose client dies at one of the steps, without a word."""

    left = -1

    async def put_bytes(self, key: str, content: bytes, sha256: str) -> None:
        """Put it, unless this is the end."""
        self._step()
        await super().put_bytes(key, content, sha256)
        self._step()

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def _send(_: object) -> None:
    """No worker listens."""


async def _main(step: int) -> None:
    settings = Settings()
    database = Database(settings.database.url.get_secret_value(), pool_size=2, send=_send)
    bundles = Killed(settings.s3, settings.s3.bundles)
    bundles.left = step
    await Repository(database, bundles, Keyring(settings.trust), Lives()).run()
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
