"""What a signature change asks for, as a value, and what it makes of a ruleset."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sigreq.domain import reasons
from sigreq.domain.ruleset import Ruleset, pin_of
from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Resolution


class ChangeKind(StrEnum):
    """What can be asked for."""

    RULE_ADD = "rule_add"
    RULE_MODIFY = "rule_modify"
    SIG_DISABLE = "sig_disable"
    SIG_RETIRE = "sig_retire"
    HASH_ADD = "hash_add"
    HASH_ALLOW = "hash_allow"
    RENAME = "rename"


RESOLUTIONS = {
    ChangeKind.RULE_ADD: Resolution.SIGNATURE_ADDED,
    ChangeKind.RULE_MODIFY: Resolution.SIGNATURE_MODIFIED,
    ChangeKind.SIG_DISABLE: Resolution.SIGNATURE_DISABLED,
    ChangeKind.SIG_RETIRE: Resolution.SIGNATURE_DISABLED,
    ChangeKind.HASH_ADD: Resolution.SIGNATURE_ADDED,
    ChangeKind.HASH_ALLOW: Resolution.ALLOWLISTED,
    ChangeKind.RENAME: Resolution.SIGNATURE_MODIFIED,
}

HELPFUL = {
    Kind.FALSE_POSITIVE: frozenset(
        {
            ChangeKind.RULE_MODIFY,
            ChangeKind.SIG_DISABLE,
            ChangeKind.SIG_RETIRE,
            ChangeKind.HASH_ALLOW,
            ChangeKind.RENAME,
        }
    ),
    Kind.FALSE_NEGATIVE: frozenset(
        {ChangeKind.RULE_ADD, ChangeKind.RULE_MODIFY, ChangeKind.HASH_ADD, ChangeKind.RENAME}
    ),
}
"""Which changes can help whom. A renamed signature helps nobody by itself, but may go with what does."""


class Unfit(ValueError):
    """The change does not apply to this ruleset."""

    def __init__(self, why: reasons.WhyInapplicable) -> None:
        super().__init__(str(why))
        self.why = why


class PayloadUnfit(ValueError):
    """What was written is no change of its kind."""

    def __init__(self, why: reasons.FieldsUnfit) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True)
class AddedRule:
    """One YARA rule more: its name, and its source."""

    rule: str
    source: str

    def apply(self, base: Ruleset) -> Ruleset:
        """Raises Unfit where the name is taken."""
        if self.rule in base.names:
            raise Unfit(reasons.RuleExists(self.rule))
        return base.with_rule(self.rule, self.source)

    def is_in(self, ruleset: Ruleset) -> bool:
        """Whether the rule is there, as it was written, and used."""
        return ruleset.in_force.get(self.rule) == self.source

    @property
    def subjects(self) -> frozenset[str]:
        """What it is about."""
        return frozenset({self.rule})


@dataclass(frozen=True)
class ModifiedRule(AddedRule):
    """Another source for a YARA rule; a rule that was disabled is used again."""

    def apply(self, base: Ruleset) -> Ruleset:
        """Raises Unfit where there is no such rule."""
        if self.rule not in base.rules:
            raise Unfit(reasons.NothingToModify(self.rule, _known(base.rules)))
        return base.without(self.rule).with_rule(self.rule, self.source)


@dataclass(frozen=True)
class DisabledSignature:
    """A rule is not used any more, as long as its source has the SHA-256 `pin`."""

    signature: str
    pin: str

    def apply(self, base: Ruleset) -> Ruleset:
        """Raises Unfit where there is no such rule, or it is another one than was meant."""
        if self.signature not in base.rules:
            raise Unfit(reasons.NothingToDisable(self.signature, _known(base.rules)))
        if pin_of(base.rules[self.signature]) != self.pin:
            raise Unfit(reasons.RuleChanged(self.signature))
        return base.with_disabled(self.signature, self.pin)

    def is_in(self, ruleset: Ruleset) -> bool:
        """Whether that very rule is not used."""
        source = ruleset.in_force.get(self.signature)
        return source is None or pin_of(source) != self.pin

    @property
    def subjects(self) -> frozenset[str]:
        """What it is about."""
        return frozenset({self.signature})


@dataclass(frozen=True)
class RetiredSignature:
    """A rule, or a hash, is taken out for good."""

    signature: str

    def apply(self, base: Ruleset) -> Ruleset:
        """Raises Unfit where there is no such signature."""
        if self.signature not in base.names:
            raise Unfit(reasons.NothingToRetire(self.signature, _known(base.names)))
        return base.without(self.signature)

    def is_in(self, ruleset: Ruleset) -> bool:
        """Whether it is gone."""
        return self.signature not in ruleset.names

    @property
    def subjects(self) -> frozenset[str]:
        """What it is about."""
        return frozenset({self.signature})


@dataclass(frozen=True)
class AddedHash:
    """A file, by SHA-256, that is detected by its content alone, under a name."""

    sha256: str
    name: str

    def apply(self, base: Ruleset) -> Ruleset:
        """Raises Unfit where the name is taken, or the file allowed or detected by its hash already."""
        if self.name in base.names:
            raise Unfit(reasons.NameTaken(self.name))
        if self.sha256 in base.allowed:
            raise Unfit(reasons.FileAllowed(self.sha256))
        if self.sha256 in base.hashes:
            raise Unfit(reasons.FileDetected(self.sha256, base.hashes[self.sha256]))
        return base.with_hash(self.sha256, self.name)

    def is_in(self, ruleset: Ruleset) -> bool:
        """Whether it is detected so."""
        return ruleset.hashes.get(self.sha256) == self.name and self.sha256 not in ruleset.allowed

    @property
    def subjects(self) -> frozenset[str]:
        """What it is about."""
        return frozenset({self.sha256, self.name})


@dataclass(frozen=True)
class AllowedHash:
    """A file, by SHA-256, that is never detected."""

    sha256: str

    def apply(self, base: Ruleset) -> Ruleset:
        """Raises Unfit where the file is detected by its hash."""
        if self.sha256 in base.hashes:
            raise Unfit(reasons.FileIsMalware(self.sha256, base.hashes[self.sha256]))
        return base.with_allowed(self.sha256)

    def is_in(self, ruleset: Ruleset) -> bool:
        """Whether it is allowed."""
        return self.sha256 in ruleset.allowed

    @property
    def subjects(self) -> frozenset[str]:
        """What it is about."""
        return frozenset({self.sha256})


@dataclass(frozen=True)
class Renamed:
    """A signature has another name from now on, and detects the same."""

    signature: str
    to: str

    def apply(self, base: Ruleset) -> Ruleset:
        """Raises Unfit where there is no such signature, the new name is taken, or the rule's source has no name."""
        if self.signature not in base.names:
            raise Unfit(reasons.NothingToRename(self.signature, _known(base.names)))
        if self.to in base.names:
            raise Unfit(reasons.NameTaken(self.to))
        renamed = base.without(self.signature)
        for sha256, name in base.hashes.items():
            renamed = renamed.with_hash(sha256, self.to) if name == self.signature else renamed
        if self.signature in base.rules:
            source = _renamed_rule(base.rules[self.signature], self.signature, self.to)
            renamed = renamed.with_rule(self.to, source)
            if self.signature not in base.in_force:
                renamed = renamed.with_disabled(self.to, pin_of(source))
        return renamed

    def is_in(self, ruleset: Ruleset) -> bool:
        """Whether only the new name is there."""
        return self.to in ruleset.names and self.signature not in ruleset.names

    @property
    def subjects(self) -> frozenset[str]:
        """What it is about."""
        return frozenset({self.signature, self.to})


Content = AddedRule | ModifiedRule | DisabledSignature | RetiredSignature | AddedHash | AllowedHash | Renamed
"""Two changes that share a subject replace one another."""

CONTENTS: Mapping[ChangeKind, type[Content]] = {
    ChangeKind.RULE_ADD: AddedRule,
    ChangeKind.RULE_MODIFY: ModifiedRule,
    ChangeKind.SIG_DISABLE: DisabledSignature,
    ChangeKind.SIG_RETIRE: RetiredSignature,
    ChangeKind.HASH_ADD: AddedHash,
    ChangeKind.HASH_ALLOW: AllowedHash,
    ChangeKind.RENAME: Renamed,
}


def content_of(kind: ChangeKind, payload: Mapping[str, Any]) -> Content:
    """Read a stored or sent payload. Raises PayloadUnfit where a field is missing or not this kind's."""
    of = CONTENTS[kind]
    fields = list(of.__dataclass_fields__)
    if set(payload) != set(fields):
        raise PayloadUnfit(reasons.FieldsUnfit(kind, ", ".join(fields)))
    return of(**payload)


def changed_rules(content: Content, base: Ruleset) -> Mapping[str, str]:
    """The rules that detect something which they did not before: all that has to be scanned for new detections."""
    after = content.apply(base)
    return {name: source for name, source in after.in_force.items() if base.in_force.get(name) != source}


def touched(content: Content) -> frozenset[str]:
    """The signatures, by name, that may detect less with the change; of an allowed file, any."""
    if isinstance(content, ModifiedRule):
        return frozenset({content.rule})
    if isinstance(content, DisabledSignature | RetiredSignature | Renamed):
        return frozenset({content.signature})
    return frozenset()


def is_narrowing(content: Content) -> bool:
    """Whether something that was detected may not be any more."""
    return bool(touched(content)) or isinstance(content, AllowedHash)


def _known(names: Mapping[str, str] | frozenset[str]) -> str:
    return ", ".join(sorted(names))[:500]


def _renamed_rule(source: str, name: str, to: str) -> str:
    """Replace the name where the rule is declared; conditions and strings may hold the same word."""
    changed, found = re.subn(rf"(\brule\s+){re.escape(name)}\b", rf"\g<1>{to}", source, count=1)
    if not found:
        raise Unfit(reasons.NameNotInSource(name))
    return changed
