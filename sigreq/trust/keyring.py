"""Online keys: how they are locked away, and how they come to sign."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey

from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.signing import KeyRole, KeyState
from sigreq.settings import Trust
from sigreq.store import signing
from sigreq.tables.trust import SigningKey
from sigreq.transaction import Transaction

log = structlog.get_logger()
PublicKey = Key
T = TypeVar("T")


class KeyLocked(Exception):
    """A key cannot be opened; the text says why."""


def lock(private: Ed25519PrivateKey, passphrase: str) -> str:
    """The private half as encrypted PKCS#8."""
    encryption = BestAvailableEncryption(passphrase.encode())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def unlock(pem: str, passphrase: str) -> CryptoSigner:
    """A signer from what `lock` wrote. Raises KeyLocked."""
    try:
        return CryptoSigner(load_pem_private_key(pem.encode(), passphrase.encode()))
    except (ValueError, TypeError) as error:
        raise KeyLocked("it does not open: another passphrase, or no encrypted key") from error


def public_pem(private: Ed25519PrivateKey) -> str:
    """The public half, as a file to hand on."""
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public(pem: str) -> Key:
    """The public half out of a file. Raises KeyLocked."""
    try:
        return SSlibKey.from_crypto(load_pem_public_key(pem.encode()))
    except (ValueError, TypeError) as error:
        raise KeyLocked("it holds no public key in PEM form") from error


def public_of(row: SigningKey) -> Key:
    """The public half of a key that is kept."""
    return Key.from_dict(row.id, dict(row.public))


class Keyring:
    """Opens the online keys of this installation; each is decrypted once."""

    def __init__(self, settings: Trust) -> None:
        self._settings = settings
        self._opened: dict[str, Signer] = {}

    async def signers(
        self, tx: Transaction, role: KeyRole, states: Collection[KeyState] = (KeyState.ACTIVE,)
    ) -> Sequence[Signer]:
        """Who signs for a role now; nobody, as long as no keys are installed. Raises ServiceUnavailable."""
        rows = await signing.keys_of(tx, role, states)
        return [await self.in_time(role, self._open, row, key_id=row.id) for row in rows]

    async def seal(self, tx: Transaction, role: KeyRole, kind: str, payload: bytes) -> dict[str, Any] | None:
        """An envelope signed by every key of the role, or None as long as no keys are installed.

        Raises ServiceUnavailable when a key cannot sign: what needs a signature does not go out without.
        """
        signers = await self.signers(tx, role)
        envelope = Envelope(payload, kind, {})
        for signer in signers:
            await self.in_time(role, envelope.sign, signer, key_id=signer.public_key.keyid)
        sealed: dict[str, Any] = envelope.to_dict()
        return sealed if signers else None

    async def in_time(self, role: KeyRole, work: Callable[..., T], *args: object, key_id: str | None = None) -> T:
        """What `work` with the role's keys gives, in a thread of its own: a device or a service may be asked.

        Raises ServiceUnavailable for whatever its library raises, and when it takes too long: whoever signs holds a
        lock that others wait for. The thread is left behind, and what it makes yet is nobody's.
        """
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                return await asyncio.to_thread(work, *args)
        except Exception as error:
            raise _unavailable(role, key_id, error) from error

    def _open(self, row: SigningKey) -> Signer:
        if row.id not in self._opened:
            self._opened[row.id] = self._opened_now(row)
        return self._opened[row.id]

    def _opened_now(self, row: SigningKey) -> Signer:
        if row.private is not None:
            if self._settings.passphrase is None:
                raise KeyLocked("SIGREQ_TRUST__PASSPHRASE is not set")
            return unlock(row.private, self._settings.passphrase.get_secret_value())
        if row.id not in self._settings.signers:
            raise KeyLocked("SIGREQ_TRUST__SIGNERS names no signer for it")
        return Signer.from_priv_key_uri(self._settings.signers[row.id], public_of(row), self._secret)

    def _secret(self, _name: str) -> str:
        return self._settings.pin.get_secret_value() if self._settings.pin else ""


def _unavailable(role: KeyRole, key_id: str | None, error: Exception) -> ServiceUnavailable:
    # Only our own texts are logged: what a device's library says might hold its PIN.
    reason = str(error) if isinstance(error, KeyLocked) else type(error).__name__
    log.error("signing.unavailable", role=role, key=key_id, reason=reason)
    return ServiceUnavailable(f"the key that signs {role}")
