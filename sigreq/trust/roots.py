"""The root document: who may sign what. Nothing here touches a database, so that it also runs on a holder's machine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from securesystemslib.signer import Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Role, Root

from sigreq.domain.signing import ROOT, KeyRole, KeyState
from sigreq.domain.submission import Track
from sigreq.tables.trust import SigningKey
from sigreq.trust.documents import FIELD, Untrusted
from sigreq.trust.keyring import public_of

RootDocument = Metadata[Root]
"""A root with its signatures, complete or not."""

IN_REPOSITORY = (KeyRole.TARGETS, KeyRole.SNAPSHOT, KeyRole.TIMESTAMP)
IN_ENVELOPES = (KeyRole.APPROVALS, KeyRole.EVIDENCE)


@dataclass(frozen=True)
class Holders:
    """Who signs the root, and how many of them it takes; and how many signatures an approval needs, by track."""

    keys: Sequence[Key]
    threshold: int
    approvals: Mapping[Track, int]

    @classmethod
    def of(cls, root: Root) -> "Holders":
        """As a root says."""
        role = root.roles[ROOT]
        approvals = {Track(name): count for name, count in root.unrecognized_fields[FIELD]["approvals"].items()}
        return cls([root.keys[each] for each in role.keyids], role.threshold, approvals)


def draft(before: Root | None, holders: Holders, rows: Sequence[SigningKey], until: datetime) -> Metadata[Root]:
    """The root after `before`, which nobody has signed yet: the newest keys sign, as do those they do not replace.

    What retired keys signed in envelopes stays good, unless they are in other hands.
    """
    named = {role: _signing(rows, role) for role in IN_REPOSITORY}
    sealed = {role: _verifying(rows, role) for role in IN_ENVELOPES}
    roles = {role.value: Role([row.id for row in found], 1) for role, found in named.items()}
    roles[ROOT] = Role([each.keyid for each in holders.keys], holders.threshold)
    ours = {row.id: public_of(row) for found in (*named.values(), *sealed.values()) for row in found}
    keys = {**{each.keyid: each for each in holders.keys}, **ours}
    told: dict[str, Any] = {
        "approvals": {track.value: count for track, count in holders.approvals.items()},
        "keys": {role.value: [row.id for row in found] for role, found in sealed.items()},
    }
    version = before.version + 1 if before else 1
    return Metadata(Root(version, None, until.replace(microsecond=0), keys, roles, True, {FIELD: told}))  # noqa: FBT003


def _signing(rows: Iterable[SigningKey], role: KeyRole) -> list[SigningKey]:
    """Those that come next, else those that sign now."""
    of_role = [row for row in rows if row.role is role]
    coming = [row for row in of_role if row.state is KeyState.NEXT]
    return coming or [row for row in of_role if row.state is KeyState.ACTIVE]


def _verifying(rows: Iterable[SigningKey], role: KeyRole) -> list[SigningKey]:
    """Those that sign, and those that once did and are still believed."""
    believed = [row for row in rows if row.role is role and not row.is_compromised]
    return [row for row in believed if row.state is not KeyState.RETIRED or row.activated_at is not None]


def named(root: Root, role: KeyRole) -> Sequence[str]:
    """The keys that a root names for a role."""
    if role in IN_REPOSITORY:
        found: Sequence[str] = root.roles[role.value].keyids
        return found
    envelopes: Sequence[str] = root.unrecognized_fields[FIELD]["keys"][role]
    return envelopes


def told(root: Root) -> dict[str, Any]:
    """What a root says, for people and programs: until when, and whose signature counts for what."""
    field = root.unrecognized_fields[FIELD]
    roles = [(name, list(role.keyids), role.threshold) for name, role in sorted(root.roles.items())]
    roles += [(name, list(keys), 1) for name, keys in sorted(field["keys"].items())]
    return {
        "version": root.version,
        "expires": root.expires.isoformat(),
        "roles": [{"role": name, "keys": keys, "threshold": threshold} for name, keys, threshold in roles],
        "tracks": dict(field["approvals"]),
    }


def combine(documents: Sequence[Metadata[Root]]) -> Metadata[Root]:
    """One root with the signatures of all. Raises Untrusted when they are not about the same root."""
    first, *others = documents
    for each in others:
        if each.signed != first.signed:
            raise Untrusted("the files are not about the same root: each holder must sign the same one")
        first.signatures.update(each.signatures)
    return first


def check(document: Metadata[Root], before: Root | None) -> None:
    """Let a root pass that enough holders have signed, of its own and of the one before. Raises Untrusted."""
    root = document.signed
    expected = before.version + 1 if before else 1
    if root.version != expected:
        raise Untrusted(f"it is root {root.version}, and the next one is {expected}")
    for signer_of in (before, root):
        if signer_of is None:
            continue
        try:
            signer_of.verify_delegate(ROOT, document.signed_bytes, document.signatures)
        except RepositoryError as error:
            role = signer_of.roles[ROOT]
            good = sum(each in role.keyids for each in document.signatures)
            raise Untrusted(
                f"root {root.version} needs {role.threshold} signatures of the {len(role.keyids)} holders that root "
                f"{signer_of.version} names, and has {good}, not all of them good"
            ) from error
