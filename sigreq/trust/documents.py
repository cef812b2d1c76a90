"""The repository's documents as python-tuf has them: read, signed and kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from sigreq.domain.signing import ROOT
from sigreq.tables.trust import RepositoryDocument

FIELD = "x-sigreq"
"""Where the root names those who sign approvals and evidence: TUF itself knows only its own four roles."""

Body = Root | Targets | Snapshot | Timestamp


class Untrusted(Exception):
    """A document or an envelope is not what the trusted root allows; the text says why."""


def read(row: RepositoryDocument) -> Metadata[Any]:
    """A document of ours."""
    return Metadata.from_bytes(row.content.encode())


def read_root(content: bytes) -> Metadata[Root]:
    """A root document, whatever signatures it carries. Raises Untrusted."""
    try:
        found: Metadata[Root] = Metadata.from_bytes(content)
    except RepositoryError as error:
        raise Untrusted("it is no root document of a bundle repository") from error
    if not isinstance(found.signed, Root):
        raise Untrusted("it is another document of a bundle repository, not its root")
    if FIELD not in found.signed.unrecognized_fields:
        raise Untrusted("it names nobody who signs approvals or evidence")
    return found


def signed(role: str, body: Body, signers: Sequence[Signer], at: datetime) -> RepositoryDocument:
    """A new version of a role's document, with a signature of each."""
    document: Metadata[Any] = Metadata(body)
    for signer in signers:
        document.sign(signer, append=True)
    return _row(role, document, at)


def root_row(document: Metadata[Root], at: datetime) -> RepositoryDocument:
    """A root that was signed elsewhere."""
    return _row(ROOT, document, at)


def _row(role: str, document: Metadata[Any], at: datetime) -> RepositoryDocument:
    body: Body = document.signed
    content = document.to_bytes().decode()
    return RepositoryDocument(
        number=0, role=role, version=body.version, content=content, expires_at=body.expires, written_at=at
    )
