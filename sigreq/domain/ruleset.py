"""The signatures of one database version, as a value."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self


@dataclass(frozen=True)
class Ruleset:
    """What one database version detects, and what it never does.

    `rules` are YARA sources by name, `hashes` names by the SHA-256 they detect, `allowed` the SHA-256 that are never
    detected. `disabled` names rules that are kept but not used, each with the SHA-256 of the source it was written
    for: once the rule is another one, it is used again. Names are those of rules and of hashes alike.

    Equal rulesets have equal documents and so equal digests, whatever order they were built in.
    """

    rules: Mapping[str, str] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    hashes: Mapping[str, str] = field(default_factory=dict)
    disabled: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.digest)

    def document(self) -> bytes:
        """The canonical JSON that is stored, transferred and hashed."""
        body: dict[str, Any] = {"rules": dict(self.rules), "allowed": sorted(self.allowed)}
        # What is not there is not written, so that the oldest documents keep their digests.
        body |= {name: dict(each) for name, each in (("hashes", self.hashes), ("disabled", self.disabled)) if each}
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document, lower-case hex."""
        return hashlib.sha256(self.document()).hexdigest()

    @classmethod
    def from_document(cls, document: bytes) -> Self:
        """Read what `document` wrote."""
        body: dict[str, Any] = json.loads(document)
        return cls(body["rules"], frozenset(body["allowed"]), body.get("hashes", {}), body.get("disabled", {}))

    @cached_property
    def in_force(self) -> Mapping[str, str]:
        """The rules that are used."""
        return {name: source for name, source in self.rules.items() if self.disabled.get(name) != pin_of(source)}

    @property
    def names(self) -> frozenset[str]:
        """Every name that is taken."""
        return frozenset(self.rules) | frozenset(self.hashes.values())

    def with_rule(self, name: str, source: str) -> Self:
        """The same ruleset with one rule added or replaced."""
        return replace(self, rules={**self.rules, name: source})

    def with_allowed(self, sha256: str) -> Self:
        """The same ruleset with one more file that is never detected."""
        return replace(self, allowed=self.allowed | {sha256})

    def with_hash(self, sha256: str, name: str) -> Self:
        """The same ruleset with one more file that is detected by its content alone, under this name."""
        return replace(self, hashes={**self.hashes, sha256: name})

    def with_disabled(self, name: str, pin: str) -> Self:
        """The same ruleset with one rule that is not used as long as its source has this SHA-256."""
        return replace(self, disabled={**self.disabled, name: pin})

    def without(self, name: str) -> Self:
        """The same ruleset without the signatures of this name."""
        return replace(
            self,
            rules=_without(self.rules, name),
            hashes={sha256: each for sha256, each in self.hashes.items() if each != name},
            disabled=_without(self.disabled, name),
        )


def pin_of(source: str) -> str:
    """What a disabled rule is recognised by: the SHA-256 of its source."""
    return hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest()


def _without(entries: Mapping[str, str], name: str) -> Mapping[str, str]:
    return {each: value for each, value in entries.items() if each != name}
