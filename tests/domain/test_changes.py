"""What a change makes of a ruleset."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.changes import (
    CONTENTS,
    HELPFUL,
    RESOLUTIONS,
    AddedHash,
    AddedRule,
    AllowedHash,
    ChangeKind,
    Content,
    DisabledSignature,
    ModifiedRule,
    PayloadUnfit,
    Renamed,
    RetiredSignature,
    Unfit,
    changed_rules,
    content_of,
    is_narrowing,
    touched,
)
from sigreq.domain.ruleset import Ruleset, pin_of
from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Determination, fitting_determinations

BASE = Ruleset({"Known": "rule Known { }"}, frozenset({"a" * 64}), {"b" * 64: "Hashed"})
PIN = pin_of("rule Known { }")
_names = st.sampled_from(["Known", "Other", "Third", "Hashed"])
_hashes = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
_sources = _names.map(lambda name: f"rule {name} {{ condition: true }}")
_contents = st.one_of(
    st.builds(AddedRule, _names, _sources),
    st.builds(ModifiedRule, _names, _sources),
    st.builds(DisabledSignature, _names, st.just(PIN)),
    st.builds(RetiredSignature, _names),
    st.builds(AddedHash, _hashes, _names),
    st.builds(AllowedHash, _hashes),
    st.builds(Renamed, _names, _names),
)


@given(_contents, st.lists(_contents, max_size=4))
def test_what_was_applied_is_in_and_nothing_else_has_changed(content: Content, before: list[Content]) -> None:
    base = _with_all(before)
    try:
        changed = content.apply(base)
    except Unfit:
        return
    assert content.is_in(changed)
    untouched = base.names - content.subjects
    assert {name: changed.in_force.get(name) for name in untouched} == {
        name: base.in_force.get(name) for name in untouched
    }
    assert {sha256: name for sha256, name in changed.hashes.items() if name in untouched} == {
        sha256: name for sha256, name in base.hashes.items() if name in untouched
    }
    assert changed.allowed - content.subjects == base.allowed - content.subjects


@given(_contents, st.lists(_contents, max_size=4))
def test_what_a_change_may_take_away_or_add_is_all_that_differs(content: Content, before: list[Content]) -> None:
    base = _with_all(before)
    try:
        changed = content.apply(base)
        added = changed_rules(content, base)
    except Unfit:
        return
    gone = {name for name, source in base.in_force.items() if changed.in_force.get(name) != source}
    gone |= {base.hashes[sha256] for sha256 in base.hashes.keys() - changed.hashes.keys()}
    assert gone <= touched(content)
    assert {name for name, source in changed.in_force.items() if base.in_force.get(name) != source} == set(added)
    assert is_narrowing(content) >= bool(gone)


def _with_all(contents: list[Content]) -> Ruleset:
    ruleset = BASE
    for content in contents:
        with suppress(Unfit):
            ruleset = content.apply(ruleset)
    return ruleset


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (AddedRule("Known", "rule Known { }"), "Known exists already"),
        (AddedRule("Hashed", "rule Hashed { }"), "Hashed exists already"),
        (ModifiedRule("Other", "rule Other { }"), "no rule Other to modify; known are: Known"),
        (DisabledSignature("Other", PIN), "no rule Other to disable"),
        (DisabledSignature("Known", "0" * 64), "Known has changed since"),
        (RetiredSignature("Other"), "no signature Other to retire"),
        (AddedHash("c" * 64, "Known"), "Known is taken"),
        (AddedHash("a" * 64, "Other"), "a file cannot be both"),
        (AddedHash("b" * 64, "Other"), "is detected already, as Hashed"),
        (AllowedHash("b" * 64), "known as malware, detected as Hashed"),
        (Renamed("Other", "Third"), "no signature Other to rename"),
        (Renamed("Known", "Hashed"), "Hashed is taken"),
    ],
)
def test_a_change_that_does_not_apply_says_why(content: Content, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        content.apply(BASE)


def test_a_disabled_rule_is_kept_and_not_used_until_it_is_another_one() -> None:
    disabled = DisabledSignature("Known", PIN).apply(BASE)
    assert (set(disabled.rules), set(disabled.in_force)) == ({"Known"}, set())
    other = disabled.with_rule("Known", "rule Known { condition: false }")
    assert set(other.in_force) == {"Known"}
    assert set(ModifiedRule("Known", "rule Known { }").apply(disabled).in_force) == {"Known"}


def test_a_renamed_rule_says_its_new_name_and_stays_disabled_if_it_was() -> None:
    base = Ruleset({"Known": 'rule Known { strings: $a = "rule Known" condition: $a }'})
    renamed = Renamed("Known", "Other").apply(base)
    assert renamed.rules == {"Other": 'rule Other { strings: $a = "rule Known" condition: $a }'}
    disabled = DisabledSignature("Known", pin_of(base.rules["Known"])).apply(base)
    assert not Renamed("Known", "Other").apply(disabled).in_force


def test_a_renamed_hash_detects_the_same_file() -> None:
    assert Renamed("Hashed", "Other").apply(BASE).hashes == {"b" * 64: "Other"}


def test_a_rule_with_other_content_is_not_in() -> None:
    assert not ModifiedRule("Known", "new").is_in(BASE)
    assert not AllowedHash("b" * 64).is_in(BASE)


@pytest.mark.parametrize(
    ("kind", "payload", "fields"),
    [
        (ChangeKind.HASH_ALLOW, {"rule": "R", "source": "s"}, "sha256"),
        (ChangeKind.RULE_ADD, {"rule": "R"}, "rule, source"),
        (ChangeKind.RULE_MODIFY, {"sha256": "a" * 64}, "rule, source"),
        (ChangeKind.SIG_DISABLE, {"signature": "R", "pin": PIN, "to": "S"}, "signature, pin"),
    ],
)
def test_a_payload_with_other_fields_is_refused(kind: ChangeKind, payload: dict[str, str], fields: str) -> None:
    with pytest.raises(PayloadUnfit, match=f"the payload of {kind} has the fields {fields}, and no other"):
        content_of(kind, payload)


def test_every_kind_of_change_is_read_and_can_help_somebody() -> None:
    assert set(CONTENTS) == set(ChangeKind) == frozenset().union(*HELPFUL.values())


def test_every_kind_of_change_has_its_resolution() -> None:
    assert set(RESOLUTIONS) == set(ChangeKind)


def test_every_determination_fits_some_kind_and_each_kind_can_end_inconclusive() -> None:
    fitting = {kind: fitting_determinations(kind) for kind in Kind}
    assert frozenset().union(*fitting.values()) == set(Determination)
    assert all(Determination.INCONCLUSIVE in found for found in fitting.values())
    assert Determination.FALSE_NEGATIVE_CONFIRMED not in fitting[Kind.FALSE_POSITIVE]
    assert Determination.FALSE_POSITIVE_CONFIRMED not in fitting[Kind.FALSE_NEGATIVE]
