"""The rules of one database version, as a value."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self


@dataclass(frozen=True)
class Ruleset:
    """What one database version detects: YARA sources by rule name, and hashes that are never detected.

    Equal rulesets have equal documents and so equal digests, whatever order they were built in.
    """

    rules: Mapping[str, str] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()

    def document(self) -> bytes:
        """The canonical JSON that is stored, transferred and hashed."""
        body = {"rules": dict(self.rules), "allowed": sorted(self.allowed)}
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document, lower-case hex."""
        return hashlib.sha256(self.document()).hexdigest()

    @classmethod
    def from_document(cls, document: bytes) -> Self:
        """Read what `document` wrote."""
        body: dict[str, Any] = json.loads(document)
        return cls(rules=body["rules"], allowed=frozenset(body["allowed"]))

    def with_rule(self, name: str, source: str) -> Self:
        """The same ruleset with one rule added or replaced."""
        return type(self)({**self.rules, name: source}, self.allowed)

    def with_allowed(self, sha256: str) -> Self:
        """The same ruleset with one more file that is never detected."""
        return type(self)(self.rules, self.allowed | {sha256})
