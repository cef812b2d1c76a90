"""What a change makes of a ruleset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.changes import (
    RESOLUTIONS,
    AllowContent,
    ChangeKind,
    Content,
    RuleContent,
    Unfit,
    apply,
    content_of,
    fitting_determinations,
    is_in,
)
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Determination

BASE = Ruleset({"Known": "old"}, frozenset({"a" * 64}))
_names = st.sampled_from(["Known", "Other", "Third"])
_contents = st.builds(RuleContent, _names, st.text(max_size=5)) | st.builds(AllowContent, st.text("ab", max_size=3))


@given(st.sampled_from(ChangeKind), _contents)
def test_what_was_applied_is_in_and_nothing_else_has_changed(kind: ChangeKind, content: Content) -> None:
    try:
        changed = apply(kind, content, BASE)
    except Unfit:
        return
    assert is_in(content, changed)
    touched = {content.rule} if isinstance(content, RuleContent) else set()
    assert {name: changed.rules[name] for name in BASE.rules if name not in touched} == {
        name: source for name, source in BASE.rules.items() if name not in touched
    }
    assert changed.allowed >= BASE.allowed


def test_a_rule_is_added_only_under_a_new_name() -> None:
    with pytest.raises(Unfit, match="Known exists already"):
        apply(ChangeKind.RULE_ADD, RuleContent("Known", "new"), BASE)


def test_only_a_known_rule_is_modified() -> None:
    with pytest.raises(Unfit, match="no rule Other"):
        apply(ChangeKind.RULE_MODIFY, RuleContent("Other", "new"), BASE)
    assert apply(ChangeKind.RULE_MODIFY, RuleContent("Known", "new"), BASE).rules == {"Known": "new"}


def test_a_rule_with_other_content_is_not_in() -> None:
    assert not is_in(RuleContent("Known", "new"), BASE)
    assert not is_in(AllowContent("b" * 64), BASE)


@pytest.mark.parametrize(
    ("kind", "payload", "missing"),
    [
        (ChangeKind.HASH_ALLOW, {"rule": "R", "source": "s"}, "sha256"),
        (ChangeKind.RULE_ADD, {"rule": "R"}, "source"),
        (ChangeKind.RULE_MODIFY, {"sha256": "a" * 64}, "rule"),
    ],
)
def test_a_payload_without_its_field_is_refused(kind: ChangeKind, payload: dict[str, str], missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        content_of(kind, payload)


def test_every_kind_of_change_has_its_resolution() -> None:
    assert set(RESOLUTIONS) == set(ChangeKind)


def test_every_determination_fits_some_kind_and_each_kind_can_end_inconclusive() -> None:
    fitting = {kind: fitting_determinations(kind) for kind in Kind}
    assert frozenset().union(*fitting.values()) == set(Determination)
    assert all(Determination.INCONCLUSIVE in found for found in fitting.values())
    assert Determination.FALSE_NEGATIVE_CONFIRMED not in fitting[Kind.FALSE_POSITIVE]
    assert Determination.FALSE_POSITIVE_CONFIRMED not in fitting[Kind.FALSE_NEGATIVE]
