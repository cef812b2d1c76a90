"""What the release tool puts into the next version."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.cli.train import Waiting, couple, due, next_version
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.trains import WEEKDAYS, Schedule
from sigreq.domain.versions import Scheme, parse

BASE = Ruleset({"old": "rule old {}"}, frozenset({"aa"}))


def entry(number: int, change: str, kind: str = "rule_add", action: str = "approved", **payload: str) -> dict[str, Any]:
    """One line of the feed."""
    document = {"id": change, "rev": 1, "kind": kind, "payload": payload, "submission_ids": []}
    at = f"2026-11-22T10:{number:02}:00Z"
    return {"number": number, "action": action, "track": "standard", "at": at, "change": document}


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


def test_urgent_changes_are_due_at_once_and_standard_ones_with_the_first_train_since() -> None:
    urgent = entry(3, "C3") | {"track": "expedited"}
    items = [entry(1, "C1"), entry(2, "C2"), urgent]  # approved at 10:01, 10:02 and 10:03
    trains = Schedule.read(WEEKDAYS, ["10:02"], "UTC")
    assert _due_at(items, trains, 1) == []
    assert _due_at(items, trains, 3) == ["C1", "C3"]
    assert _due_at(items, trains, 59) == ["C1", "C3"], "C2 came too late for this train"
    assert _due_at(items, None, 3) == ["C1", "C2", "C3"]


def _due_at(items: list[dict[str, Any]], schedule: Schedule | None, minute: int) -> list[str]:
    """What is due so many minutes past ten."""
    now = datetime(2026, 11, 22, 10, minute, tzinfo=UTC)
    return [item["change"]["id"] for item in due(items, schedule, now)]


def test_whatever_follows_an_approval_ends_the_waiting() -> None:
    waiting = Waiting()
    waiting.read([entry(1, "C1"), entry(2, "C2"), entry(3, "C3"), entry(5, "C4")])
    waiting.read([entry(6, "C1", action="published"), entry(7, "C2", action="withdrawn"), entry(9, "C3")])
    assert list(waiting.items) == ["C4", "C3"]
    assert waiting.cursor == 9


def test_what_was_read_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert Waiting.load(path) == Waiting()
    waiting = Waiting()
    waiting.read([entry(1, "C1", rule="r", source="rule r {}")])
    waiting.save(path)
    assert Waiting.load(path) == waiting
    assert list(tmp_path.iterdir()) == [path]


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
