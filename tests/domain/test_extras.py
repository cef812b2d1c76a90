"""What an extra adds, as signatures of their own, and where it stands by the clock."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain import advice
from sigreq.domain.changes import ChangeKind, Unfit
from sigreq.domain.extra_bundles import STEP_BYTES, ExtraBundle
from sigreq.domain.extras import ADDITIVE, RELIEF_KINDS, Ending, ExtraState, additions_of, relief_name
from sigreq.domain.ruleset import Ruleset
from sigreq.notify.mails import TEXTS
from sigreq.tables.extras import Extra
from tests.world import rule

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)


def extra(**values: Any) -> Extra:
    return Extra(
        id="EX-1", product_id="p", kind=ChangeKind.HASH_ALLOW, payload={}, digest="", hours=1,
        proposed_by="a", proposed_at=NOW, **values,
    )  # fmt: skip


@given(HASHES)
def test_the_digest_is_that_of_just_the_additions(sha256: str) -> None:
    assert additions_of(ChangeKind.HASH_ALLOW, {"sha256": sha256}) == Ruleset(allowed=frozenset({sha256}))
    named = additions_of(ChangeKind.HASH_ADD, {"sha256": sha256, "name": relief_name(sha256)})
    assert named.digest == Ruleset(hashes={sha256: relief_name(sha256)}).digest


def test_a_rule_is_added_whole() -> None:
    source = rule("New", "text")
    assert additions_of(ChangeKind.RULE_ADD, {"rule": "New", "source": source}).rules == {"New": source}


@pytest.mark.parametrize("kind", sorted(set(ChangeKind) - ADDITIVE))
def test_what_takes_something_away_has_nothing_to_lay_over_a_version(kind: ChangeKind) -> None:
    payload = {
        ChangeKind.RULE_MODIFY: {"rule": "Old", "source": rule("Old", "x")},
        ChangeKind.SIG_DISABLE: {"signature": "Old", "pin": "0" * 64},
        ChangeKind.SIG_RETIRE: {"signature": "Old"},
        ChangeKind.RENAME: {"signature": "Old", "to": "New"},
    }[kind]
    with pytest.raises(Unfit):
        additions_of(kind, payload)


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (extra(), ExtraState.PROPOSED),
        (extra(live_at=NOW - HOUR, expires_at=NOW + HOUR), ExtraState.LIVE),
        (extra(live_at=NOW - HOUR, expires_at=NOW), ExtraState.ENDED),
        (extra(live_at=NOW - HOUR, expires_at=NOW + HOUR, ended_at=NOW), ExtraState.ENDED),
        (extra(ended_at=NOW), ExtraState.ENDED),
    ],
)
def test_an_extra_is_over_by_the_clock_whether_or_not_that_was_written_down(row: Extra, state: ExtraState) -> None:
    assert row.state(NOW) is state


@pytest.mark.parametrize("ending", sorted(set(Ending) - {Ending.CLOSED}))
def test_whose_relief_is_over_is_told_what_to_do(ending: Ending) -> None:
    (step,) = advice.steps_after_relief(ending)
    assert step in TEXTS["ru"].words["steps"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_mails_have_words_for_every_kind_of_relief_and_every_way_in_which_it_ends(language: str) -> None:
    words = TEXTS["ru" if language == "ru" else "en"].words
    assert set(words["relief"]) == ADDITIVE > set(RELIEF_KINDS.values())
    assert set(words["ending"]) == set(Ending)


@given(st.sampled_from(sorted(RELIEF_KINDS.values())), HASHES, st.text(min_size=1, max_size=100))
def test_the_length_of_relief_says_neither_what_it_does_nor_what_it_names(
    kind: ChangeKind, sha256: str, name: str
) -> None:
    payload = {"sha256": sha256, **({"name": name} if kind is ChangeKind.HASH_ADD else {})}
    bundle = ExtraBundle("EX-1", "acme-av", None, additions_of(kind, payload), NOW, NOW + HOUR)
    assert len(bundle.content) == STEP_BYTES
    assert Ruleset.from_document(json.dumps(json.loads(bundle.content)["additions"]).encode()) == bundle.added
