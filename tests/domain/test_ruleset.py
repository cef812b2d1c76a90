"""A ruleset is its content, whatever way it came about."""

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.ruleset import Ruleset

_names = st.text(st.characters(codec="utf-8"), max_size=8)
_hashes = st.binary(max_size=4).map(lambda content: hashlib.sha256(content).hexdigest())
_rulesets = st.builds(Ruleset, st.dictionaries(_names, _names, max_size=6), st.frozensets(_hashes, max_size=4))


@given(_rulesets)
def test_a_ruleset_survives_its_document(ruleset: Ruleset) -> None:
    again = Ruleset.from_document(ruleset.document())
    assert again == ruleset
    assert again.digest == ruleset.digest == hashlib.sha256(ruleset.document()).hexdigest()


@given(_rulesets, st.data())
def test_the_order_in_which_rules_came_does_not_matter(ruleset: Ruleset, data: st.DataObject) -> None:
    items = data.draw(st.permutations(list(ruleset.rules.items())))
    assert Ruleset(dict(items), ruleset.allowed).digest == ruleset.digest


@given(_rulesets, _rulesets)
def test_other_content_has_another_digest(one: Ruleset, other: Ruleset) -> None:
    assert (one.digest == other.digest) == (one == other)


@given(_rulesets, _names, _names, _hashes)
def test_a_changed_ruleset_leaves_the_first_as_it_was(ruleset: Ruleset, name: str, source: str, sha256: str) -> None:
    before = ruleset.document()
    changed = ruleset.with_rule(name, source).with_allowed(sha256)
    assert (changed.rules[name], sha256 in changed.allowed) == (source, True)
    assert ruleset.document() == before
    assert json.loads(changed.document())["allowed"] == sorted(changed.allowed)
