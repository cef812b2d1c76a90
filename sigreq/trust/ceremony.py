"""Keys come and go: made here, named by a root that its holders sign elsewhere, and in force once that is installed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import Metadata, Root

from sigreq.domain.signing import METADATA_ROLES, ROOT, KeyRole, KeyState, Lives, approval_keys
from sigreq.store import locks, repository, signing
from sigreq.store.locks import Lock
from sigreq.tables.trust import SigningKey
from sigreq.transaction import Transaction
from sigreq.trust import roots
from sigreq.trust.documents import Untrusted, read, root_row
from sigreq.trust.keyring import Keyring, lock
from sigreq.trust.repository import compose
from sigreq.trust.roots import IN_REPOSITORY, Holders
from sigreq.trust.targets import publish_soon

ROOT_LIFE = timedelta(days=365)


class CeremonyBroken(Exception):
    """This cannot be done now; the text says why, and what can."""


@dataclass(frozen=True)
class Maker:
    """How online keys are made: locked with a passphrase, except those whose public half came from outside."""

    passphrase: str
    outside: Mapping[KeyRole, Sequence[Key]]

    def make(self, tx: Transaction, role: KeyRole, count: int, state: KeyState) -> list[SigningKey]:
        """New keys of a role; those from outside first."""
        made = [self._row(tx, role, state, key, None) for key in self.outside.get(role, ())]
        while len(made) < count:
            private = Ed25519PrivateKey.generate()
            made.append(self._row(tx, role, state, CryptoSigner(private).public_key, lock(private, self.passphrase)))
        return made

    @staticmethod
    def _row(tx: Transaction, role: KeyRole, state: KeyState, key: Key, private: str | None) -> SigningKey:
        return SigningKey(
            id=key.keyid,
            role=role,
            state=state,
            public=key.to_dict(),
            private=private,
            created_at=tx.at,
            activated_at=tx.at if state is KeyState.ACTIVE else None,
        )


async def create(tx: Transaction, maker: Maker, holders: Holders) -> Metadata[Root]:
    """Make the online keys, and the first root for its holders to sign. Raises CeremonyBroken.

    Until a root is installed this may be done anew; keys of before are thrown away.
    """
    await locks.hold(tx, Lock.REPOSITORY)
    if await _root(tx) is not None:
        raise CeremonyBroken("There are keys in force already. Replace them: sigreq admin signing-keys rotate")
    _check_holders(holders)
    await signing.retire(tx, [row.id for row in await signing.keys(tx) if row.state is KeyState.NEXT])
    counts = {KeyRole.APPROVALS: approval_keys(holders.approvals)}
    made = [row for role in KeyRole for row in maker.make(tx, role, counts.get(role, 1), KeyState.NEXT)]
    await signing.add(tx, made)
    return roots.draft(None, holders, made, tx.at + ROOT_LIFE)


async def rotate(
    tx: Transaction, maker: Maker, roles: Collection[KeyRole], holders: Holders | None = None, *, is_compromised: bool
) -> Metadata[Root] | None:
    """Replace the keys of these roles. The answer is the next root, for its holders to sign, if one is needed.

    The keys for `expedited/` are named by another online key, so they change at once. Old keys sign until the new root
    is installed. Raises CeremonyBroken.
    """
    await locks.hold(tx, Lock.REPOSITORY)
    before = await _root(tx)
    if before is None:
        raise CeremonyBroken("There are no keys in force yet. Make them: sigreq admin signing-keys create")
    for role in roles:
        await _replace(tx, maker, role, is_compromised=is_compromised)
    if KeyRole.EXPEDITED in roles:
        publish_soon(tx)
    if set(roles) == {KeyRole.EXPEDITED} and holders is None:
        return None
    holders = holders or Holders.of(before)
    _check_holders(holders)
    return roots.draft(before, holders, await signing.keys(tx), tx.at + ROOT_LIFE)


async def _replace(tx: Transaction, maker: Maker, role: KeyRole, *, is_compromised: bool) -> None:
    held = await signing.keys_of(tx, role, (KeyState.ACTIVE, KeyState.NEXT))
    active = [row.id for row in held if row.state is KeyState.ACTIVE]
    if is_compromised:
        await signing.distrust(tx, active)
    is_at_once = role is KeyRole.EXPEDITED
    await signing.retire(tx, [row.id for row in held if is_at_once or row.state is KeyState.NEXT])
    state = KeyState.ACTIVE if is_at_once else KeyState.NEXT
    await signing.add(tx, maker.make(tx, role, len(active), state))


async def install(tx: Transaction, keyring: Keyring, lives: Lives, document: Metadata[Root]) -> Metadata[Root]:
    """Put a root in force that its holders have signed; the one in force. Raises Untrusted, ServiceUnavailable.

    Before it goes out the repository's documents do, with the signatures of old and new keys: whichever root a client
    has just read, what it reads next is good. The same again changes nothing: who was killed has to be able to ask.
    """
    await locks.hold(tx, Lock.REPOSITORY)
    row = await repository.latest(tx, ROOT)
    in_force = None if row is None else read(row)
    if in_force is not None and in_force.signed == document.signed:
        return in_force
    before = None if in_force is None else in_force.signed
    roots.check(document, before)
    rows = await signing.keys(tx)
    _check_keys(document.signed, rows)
    if before is not None:
        await compose(tx, keyring, lives, (KeyState.ACTIVE, KeyState.NEXT))
    await repository.write(tx, root_row(document, tx.at))
    coming = [row for row in rows if row.state is KeyState.NEXT]
    replaced = {row.role for row in coming}
    await signing.retire(tx, [row.id for row in rows if row.state is KeyState.ACTIVE and row.role in replaced])
    await signing.activate(tx, [row.id for row in coming])
    publish_soon(tx)
    return document


async def holders_now(tx: Transaction) -> Holders:
    """Who signs the root that is in force. Raises CeremonyBroken when there is none."""
    root = await _root(tx)
    if root is None:
        raise CeremonyBroken("There is no root in force yet. Make one: sigreq admin signing-keys create")
    return Holders.of(root)


async def overview(tx: Transaction) -> dict[str, Any]:
    """The online keys, and until when the newest documents hold."""
    keys = [
        {
            "id": row.id,
            "role": row.role,
            "state": row.state,
            "held": "here" if row.private else "-" if row.state is KeyState.RETIRED else "outside",
            "is_compromised": row.is_compromised,
            "created_at": row.created_at.isoformat(),
            "retired_at": row.retired_at.isoformat() if row.retired_at else None,
        }
        for row in await signing.keys(tx)
    ]
    newest = [await repository.latest(tx, role) for role in (ROOT, *METADATA_ROLES)]
    documents = [
        {"role": row.role, "version": row.version, "expires_at": row.expires_at.isoformat()} for row in newest if row
    ]
    return {"keys": keys, "documents": documents}


async def _root(tx: Transaction) -> Root | None:
    row = await repository.latest(tx, ROOT)
    return None if row is None else read(row).signed


def _check_holders(holders: Holders) -> None:
    if not 1 <= holders.threshold <= len({each.keyid for each in holders.keys}):
        told = f"{holders.threshold} of {len(holders.keys)} different root keys cannot be asked for"
        raise CeremonyBroken(f"{told}: give more of them, or ask for less.")


def _check_keys(root: Root, rows: Sequence[SigningKey]) -> None:
    """The root must be of this installation, and drafted after the last rotation."""
    for role in (*IN_REPOSITORY, *roots.IN_ENVELOPES):
        coming = {row.id for row in rows if row.role is role and row.state is KeyState.NEXT}
        held = coming or {row.id for row in rows if row.role is role and row.state is KeyState.ACTIVE}
        if not held <= set(roots.named(root, role)):
            raise Untrusted(
                f"root {root.version} does not name the key that signs {role} here: it was made elsewhere, "
                "or before the last rotation"
            )
