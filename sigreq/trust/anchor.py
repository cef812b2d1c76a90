"""What somebody who trusts a root file can check with it, offline: approvals and evidence."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Root

from sigreq.domain.signing import ROOT, KeyRole
from sigreq.domain.statements import CHANGE_TYPE, EXTRA_TYPE, STATEMENT_TYPE, change_document, extra_document
from sigreq.trust.documents import FIELD, Untrusted, read_root

FeedItem = Mapping[str, Any]


@dataclass(frozen=True)
class Anchor:
    """A root that was got from its holders, and not from who is being checked."""

    root: Root

    @classmethod
    def read(cls, content: bytes) -> "Anchor":
        """A root file. It must be whole, that is, signed by its own holders. Raises Untrusted."""
        document = read_root(content)
        try:
            document.signed.verify_delegate(ROOT, document.signed_bytes, document.signatures)
        except RepositoryError as error:
            raise Untrusted(
                "the root file is not signed by its own holders: it was changed, or never finished"
            ) from error
        return cls(document.signed)

    def check_fresh(self) -> None:
        """For those who act on what they are told now. Raises Untrusted for a root that has expired."""
        if self.root.is_expired():
            raise Untrusted(f"root {self.root.version} expired at {self.root.expires.isoformat()}")

    def approved(self, product: str, item: FeedItem) -> None:
        """Let an approval of the feed pass that is signed as its track asks for. Raises Untrusted.

        What is signed is every word of it: product, track, and the change.
        """
        change = item["change"]
        self._check(item["track"], change, CHANGE_TYPE, change_document(product, item["track"], change))

    def in_force(self, product: str, item: FeedItem) -> None:
        """Let an extra or relief of the feed pass that is signed as an approval of its track. Raises Untrusted."""
        extra = item["extra"]
        self._check(item["track"], extra, EXTRA_TYPE, extra_document(product, item["track"], extra))

    def evidence(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        """The statement in an envelope. Raises Untrusted."""
        statement: dict[str, Any] = json.loads(self._opened(envelope, STATEMENT_TYPE, KeyRole.EVIDENCE, 1))
        return statement

    def _check(self, track: str, told: Mapping[str, Any], kind: str, expected: bytes) -> None:
        envelope = told.get("envelope")
        if envelope is None:
            raise Untrusted(f"{told['id']} carries no signature")
        needed = self.root.unrecognized_fields[FIELD]["approvals"].get(track)
        if needed is None:
            raise Untrusted(f"the root says nothing of the track {track}")
        if self._opened(envelope, kind, KeyRole.APPROVALS, needed) != expected:
            raise Untrusted(f"{told['id']} is not what was signed")

    def _opened(self, envelope: Mapping[str, Any], kind: str, role: KeyRole, needed: int) -> bytes:
        ids = self.root.unrecognized_fields[FIELD]["keys"][role]
        try:
            # It is changed by being read.
            found = Envelope.from_dict(deepcopy(dict(envelope)))
            if found.payload_type != kind:
                raise Untrusted(f"it holds {found.payload_type[:100]!r}, not {kind!r}")
            found.verify([self.root.keys[each] for each in ids], needed)
        except VerificationError as error:
            raise Untrusted(
                f"it has not {needed} good signature(s) of those that root {self.root.version} names"
            ) from error
        except (KeyError, TypeError, ValueError, AttributeError, FormatError) as error:
            raise Untrusted("it is no signed envelope, or a damaged one") from error
        payload: bytes = found.payload
        return payload
