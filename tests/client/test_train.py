"""What the release tool puts into the next version."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click import ClickException
from hypothesis import given
from hypothesis import strategies as st

from sigreq.cli.train import Waiting, couple, due, next_version
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.trains import WEEKDAYS, Schedule
from sigreq.domain.versions import Scheme, parse
from sigreq_client.cursors import Cursor

BASE = Ruleset({"old": "rule old {}"}, frozenset({"aa"}))


def entry(number: int, change: str, kind: str = "rule_add", action: str = "approved", **payload: str) -> dict[str, Any]:
    """One line of the feed."""
    document = {"id": change, "rev": 1, "kind": kind, "payload": payload, "submission_ids": []}
    at = f"2026-11-22T10:{number:02}:00Z"
    told = {"number": number, "mark": f"m{number}", "action": action, "track": "standard"}
    return {**told, "at": at, "change": document}


def test_changes_are_applied_on_the_newest_rules() -> None:
    train = couple(
        [
            entry(1, "C1", rule="new", source="rule new {}"),
            entry(2, "C2", "rule_modify", rule="old", source="rule old {better}"),
            entry(3, "C3", "hash_allow", sha256="bb"),
        ],
        BASE,
    )
    assert train.ruleset.rules == {"old": "rule old {better}", "new": "rule new {}"}
    assert train.ruleset.allowed == {"aa", "bb"}
    assert [report["is_included"] for report in train.changes] == [True, True, True]


def test_a_change_that_does_not_apply_is_reported_with_the_reason_and_the_others_go() -> None:
    items = [
        entry(1, "C1", "rule_modify", rule="missing", source="rule missing {}"),
        entry(2, "C2", rule="new", source="rule new {}"),
    ]
    train = couple(items, BASE)
    assert train.changes[0]["is_included"] is False
    assert "no rule missing" in train.changes[0]["reason"]
    assert train.changes[1] == {"id": "C2", "rev": 1, "is_included": True}
    assert "missing" not in train.ruleset.rules


def test_a_second_change_of_the_same_rule_waits_for_the_version_after() -> None:
    items = [
        entry(1, "C1", "rule_modify", rule="old", source="rule old {1}"),
        entry(2, "C2", "rule_modify", rule="old", source="rule old {2}"),
    ]
    train = couple(items, BASE)
    assert train.ruleset.rules["old"] == "rule old {1}"
    assert [report["id"] for report in train.changes] == ["C1"]
    assert train.left == ["C2"]


def test_a_change_that_is_left_out_is_reported_with_the_reason_and_makes_room_for_another() -> None:
    items = [
        entry(1, "C1", "rule_modify", rule="old", source="rule old {1}"),
        entry(2, "C2", "rule_modify", rule="old", source="rule old {2}"),
    ]
    train = couple(items, BASE, {"C1": "It hits clean files."})
    assert train.ruleset.rules["old"] == "rule old {2}"
    assert train.changes[0] == {"id": "C1", "rev": 1, "is_included": False, "reason": "It hits clean files."}
    assert (train.changes[1]["is_included"], train.left) == (True, [])


def test_a_rule_that_was_published_by_hand_meanwhile_counts_as_included() -> None:
    train = couple([entry(1, "C1", rule="old", source="rule old {}")], BASE)
    assert train.changes == [{"id": "C1", "rev": 1, "is_included": True}]
    assert train.ruleset == BASE


def test_a_train_takes_what_was_approved_before_it_departs_and_whatever_is_urgent() -> None:
    urgent = entry(3, "C3") | {"track": "expedited"}
    items = [entry(1, "C1"), entry(2, "C2"), urgent]  # approved at 10:01, 10:02 and 10:03
    trains = Schedule.read(WEEKDAYS, ["10:02"], "UTC")
    assert _due_at(items, trains, 1) == []
    assert _due_at([items[1], urgent], trains, 59) == [], "what is urgent makes no train depart"
    assert _due_at(items, trains, 3) == ["C1", "C3"]
    assert _due_at(items, trains, 59) == ["C1", "C3"], "C2 came too late for this train"
    assert _due_at(items, None, 3) == ["C1", "C2", "C3"]


def _due_at(items: list[dict[str, Any]], schedule: Schedule | None, minute: int) -> list[str]:
    """What is due so many minutes past ten."""
    now = datetime(2026, 11, 22, 10, minute, tzinfo=UTC)
    return [item["change"]["id"] for item in due(items, schedule, now)]


def _waiting(*events: dict[str, Any]) -> Waiting:
    """What waits after these events of the feed."""
    waiting = Waiting("av")
    for event in events:
        waiting.read(event)
    return waiting


def _extra(change: str) -> dict[str, Any]:
    """The feed's line that a change is in force for a day."""
    until = {"base_version": "20261122.1", "expires_at": "2026-11-23T10:00:00Z"}
    told = {"number": 2, "action": "extra_published", "track": "expedited"}
    return {**told, "extra": {"id": "E1", "change_id": change, **until}}


def test_whatever_answers_an_approval_ends_the_waiting() -> None:
    approvals = [entry(1, "C1"), entry(2, "C2"), entry(3, "C3"), entry(5, "C4")]
    answers = [entry(6, "C1", action="published"), entry(7, "C2", action="withdrawn"), entry(9, "C3")]
    assert list(_waiting(*approvals, *answers).items) == ["C4", "C3"]


def test_what_the_tool_does_not_act_on_is_skipped() -> None:
    others = [
        _extra("C9"),
        {"number": 2, "action": "extra_ended", "track": "expedited", "extra": {"id": "E1", "change_id": "C1"}},
        entry(3, "C1", action="something_new"),
        {"action": "snapshot", "items": [entry(1, "C1"), {"action": "relief_given", "extra": {"id": "E2"}}]},
    ]
    waiting = _waiting(entry(1, "C1"), *others)
    assert (list(waiting.items), waiting.urgent) == (["C1"], {})


def test_what_the_feed_says_is_in_force_counts_as_sent_though_nobody_noted_it_and_until_it_is_approved_anew() -> None:
    sent = {"C1": {"base": "20261122.1", "until": "2026-11-23T10:00:00Z", "why": None}}
    assert _waiting(entry(1, "C1"), _extra("C1")).urgent == sent
    assert _waiting({"action": "snapshot", "items": [entry(1, "C1"), _extra("C1")]}).urgent == sent
    assert _waiting(entry(1, "C1"), _extra("C1"), entry(3, "C1")).urgent == {}


def test_a_snapshot_takes_the_place_of_what_waited_and_keeps_since_when() -> None:
    unknown = {name: told for name, told in entry(7, "C3").items() if name != "at"}
    known = {name: told for name, told in entry(1, "C1").items() if name != "at"}
    before = datetime.now(UTC)
    waiting = _waiting(entry(1, "C1"), entry(2, "C2"), {"action": "snapshot", "items": [known, unknown]})
    assert list(waiting.items) == ["C1", "C3"]
    assert waiting.items["C1"]["at"] == entry(1, "C1")["at"]
    assert datetime.fromisoformat(waiting.items["C3"]["at"]) >= before


def test_what_was_read_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert Waiting.load(path, "av") == Waiting("av")
    waiting = _waiting(entry(1, "C1", rule="r", source="rule r {}"))
    waiting.cursor = Cursor(1, "m1")
    waiting.save(path)
    assert Waiting.load(path, "av") == waiting
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ClickException, match="is kept for av, not for other-av"):
        Waiting.load(path, "other-av")


@pytest.mark.parametrize("kept", ["", "[]", '{"last": null, "items": {}}', '{"product": "av"}'])
def test_a_file_that_says_nothing_is_as_good_as_none(tmp_path: Path, kept: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(kept)
    assert Waiting.load(path, "av") == Waiting("av")


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (["20261121.003", "20261120.009"], "20261122.001"),
        (["20261121.003", "20261122.016"], "20261122.017"),
        (["20261122.999"], "20261122.1000"),
        (["20261201.001"], "20261201.002"),
        (["2026-11-22 rev. 4"], "20261122.005"),
        (["5958"], None),
        ([], None),
    ],
)
def test_the_next_version_continues_the_count_of_the_day(published: list[str], expected: str | None) -> None:
    assert next_version(published, date(2026, 11, 22)) == expected


@given(
    st.lists(st.tuples(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 5000)), min_size=1),
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
)
def test_the_next_version_is_after_every_published_one(pairs: list[tuple[date, int]], today: date) -> None:
    published = [f"{day:%Y%m%d}.{revision:03d}" for day, revision in pairs]
    chosen = next_version(published, today)
    assert chosen is not None
    assert all(parse(Scheme.DATE_REVISION, chosen) > parse(Scheme.DATE_REVISION, each) for each in published)
