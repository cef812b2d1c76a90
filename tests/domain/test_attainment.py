"""Counting how promises were kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.attainment import Ended, misses, percentile, report
from sigreq.domain.clock import ClockOutcome
from sigreq.domain.submission import Severity

NOVEMBER = datetime(2026, 11, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MET, MISSED, NOT_COUNTED, RUNNING = (
    ClockOutcome.MET,
    ClockOutcome.MISSED,
    ClockOutcome.NOT_COUNTED,
    ClockOutcome.RUNNING,
)


def clock(outcome: ClockOutcome = MET, hours: float = 1, **more: object) -> Ended:
    ended = Ended("SR-1", "gold", Severity.HIGH, NOVEMBER, NOVEMBER + HOUR, None, outcome, hours * HOUR)
    return replace(ended, **more)  # type: ignore[arg-type]


_ended = st.builds(
    clock,
    outcome=st.sampled_from(ClockOutcome),
    hours=st.integers(0, 50),
    plan=st.sampled_from(["gold", "silver"]),
    severity=st.sampled_from(Severity),
    began_at=st.sampled_from([NOVEMBER, NOVEMBER + timedelta(days=30), NOVEMBER + timedelta(days=365)]),
)


def test_attainment_is_the_share_of_answers_in_time_among_those_that_count() -> None:
    (line,) = report([clock(), clock(), clock(), clock(MISSED), clock(NOT_COUNTED), clock(RUNNING)])
    assert (line.met, line.missed, line.not_counted, line.running) == (3, 1, 1, 1)
    assert line.attainment == 0.75


def test_where_nothing_counts_there_is_no_share_and_no_percentile() -> None:
    (line,) = report([clock(NOT_COUNTED), clock(RUNNING)])
    assert (line.attainment, line.p50, line.p90) == (None, None, None)
    assert report([]) == []


def test_time_used_is_that_of_answers_only() -> None:
    (line,) = report([clock(hours=1), clock(MISSED, 3), clock(NOT_COUNTED, 100), clock(RUNNING, 100)])
    assert (line.p50, line.p90) == (HOUR, 3 * HOUR)


def test_lines_are_by_plan_then_severity_then_month() -> None:
    later = NOVEMBER + timedelta(days=30)
    found = report(
        [
            clock(plan="silver", severity=Severity.CRITICAL),
            clock(severity=Severity.LOW),
            clock(began_at=later),
            clock(),
        ]
    )
    assert [(line.plan, line.severity, line.month) for line in found] == [
        ("gold", 2, "2026-11"),
        ("gold", 2, "2026-12"),
        ("gold", 4, "2026-11"),
        ("silver", 1, "2026-11"),
    ]


def test_the_month_is_that_of_utc() -> None:
    """In Auckland it is December already."""
    began = datetime(2026, 12, 1, 3, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert [line.month for line in report([clock(began_at=began)])] == ["2026-11"]


@given(st.lists(_ended))
def test_every_clock_is_in_exactly_one_line_and_every_miss_is_listed(clocks: list[Ended]) -> None:
    found = report(clocks)
    assert sum(line.met + line.missed + line.not_counted + line.running for line in found) == len(clocks)
    assert len({(line.plan, line.severity, line.month) for line in found}) == len(found)
    assert len(misses(clocks)) == sum(line.missed for line in found)
    assert all(line.attainment is None or 0 <= line.attainment <= 1 for line in found)


def test_misses_begin_with_the_latest_due() -> None:
    late = [clock(MISSED, due_at=NOVEMBER + n * HOUR, submission_id=f"SR-{n}") for n in (1, 3, 2)]
    assert [miss.submission_id for miss in misses([*late, clock()])] == ["SR-3", "SR-2", "SR-1"]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.9, 9), (0.91, 10), (0.1, 1), (1.0, 10)])
def test_a_percentile_is_one_of_the_values(share: float, expected: int) -> None:
    values = [n * HOUR for n in (7, 1, 3, 9, 5, 2, 10, 4, 8, 6)]
    assert percentile(values, share) == expected * HOUR


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), min_size=1), st.sampled_from([0.5, 0.9]))
def test_a_percentile_is_the_smallest_that_enough_values_do_not_exceed(values: list[timedelta], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert all(sum(value <= smaller for value in values) < share * len(values) for smaller in values if smaller < found)
