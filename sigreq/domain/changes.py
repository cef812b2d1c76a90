"""What a signature change asks for, as a value, and what it makes of a ruleset."""

from dataclasses import dataclass
from enum import StrEnum

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Determination, Resolution


class ChangeKind(StrEnum):
    """The kinds of change that exist so far."""

    RULE_ADD = "rule_add"
    RULE_MODIFY = "rule_modify"
    HASH_ALLOW = "hash_allow"


RESOLUTIONS = {
    ChangeKind.RULE_ADD: Resolution.SIGNATURE_ADDED,
    ChangeKind.RULE_MODIFY: Resolution.SIGNATURE_MODIFIED,
    ChangeKind.HASH_ALLOW: Resolution.ALLOWLISTED,
}


@dataclass(frozen=True)
class RuleContent:
    """One YARA rule: its file's name (the rule's own) and its source."""

    rule: str
    source: str


@dataclass(frozen=True)
class AllowContent:
    """A file, by SHA-256, that is never detected."""

    sha256: str


Content = RuleContent | AllowContent


class Unfit(ValueError):
    """The change does not apply to this ruleset; the text says why."""


def apply(kind: ChangeKind, content: Content, base: Ruleset) -> Ruleset:
    """The ruleset with the change in it. Raises Unfit where the base has (add) or lacks (modify) the rule."""
    if isinstance(content, AllowContent):
        return base.with_allowed(content.sha256)
    is_there = content.rule in base.rules
    if kind is ChangeKind.RULE_ADD and is_there:
        raise Unfit(f"rule {content.rule} exists already; modify it, or choose another name")
    if kind is ChangeKind.RULE_MODIFY and not is_there:
        raise Unfit(f"there is no rule {content.rule} to modify; known rules: {', '.join(sorted(base.rules))[:500]}")
    return base.with_rule(content.rule, content.source)


def is_in(content: Content, ruleset: Ruleset) -> bool:
    """Whether a published ruleset holds what the change asks for."""
    if isinstance(content, AllowContent):
        return content.sha256 in ruleset.allowed
    return ruleset.rules.get(content.rule) == content.source


def subject(content: Content) -> str:
    """What a change is about: two changes with the same subject replace one another."""
    return content.sha256 if isinstance(content, AllowContent) else content.rule


def content_of(kind: ChangeKind, payload: dict[str, str]) -> Content:
    """Read a stored or sent payload. Raises KeyError where a field is missing."""
    if kind is ChangeKind.HASH_ALLOW:
        return AllowContent(sha256=payload["sha256"])
    return RuleContent(rule=payload["rule"], source=payload["source"])


_FITTING = {
    Kind.FALSE_POSITIVE: frozenset(
        {
            Determination.FALSE_POSITIVE_CONFIRMED,
            Determination.CORRECT_DETECTION,
            Determination.CUSTOMER_OVERRIDE,
            Determination.ALREADY_FIXED,
            Determination.INCONCLUSIVE,
        }
    ),
    Kind.FALSE_NEGATIVE: frozenset(
        {
            Determination.FALSE_NEGATIVE_CONFIRMED,
            Determination.NOT_MALICIOUS,
            Determination.ALREADY_DETECTED,
            Determination.INCONCLUSIVE,
        }
    ),
}


def fitting_determinations(kind: Kind) -> frozenset[Determination]:
    """Which conclusions can be drawn about such a claim."""
    return _FITTING[kind]
