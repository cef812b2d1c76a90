"""A holder's side of the ceremony: a root key of their own, and a signature with it. Needs nothing but files."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from sigreq.trust.keyring import lock, public_pem, unlock


def new_root_key(passphrase: str) -> tuple[str, str, str]:
    """A new key: its id, its private half locked with the passphrase, its public half, both as PEM."""
    private = Ed25519PrivateKey.generate()
    return CryptoSigner(private).public_key.keyid, lock(private, passphrase), public_pem(private)


def sign_root(document: Metadata[Root], locked: str, passphrase: str) -> str:
    """Add a signature to a root; the id of the key. Raises KeyLocked."""
    signer = unlock(locked, passphrase)
    document.sign(signer, append=True)
    return signer.public_key.keyid
