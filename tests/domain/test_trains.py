"""When trains depart, and when a submission may expect its change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.submission import Track
from sigreq.domain.trains import WEEKDAYS, Awaited, Schedule, ScheduleUnfit, departure, expected_release

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
schedules = st.builds(
    Schedule.read,
    st.lists(st.sampled_from(WEEKDAYS), min_size=1),
    st.lists(st.times().map(lambda each: f"{each:%H:%M}"), min_size=1, max_size=5),
    st.sampled_from(ZONES),
)
moments = st.integers(1_262_304_000, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
WEEKDAY_MORNINGS = Schedule.read(["mon", "tue", "wed", "thu", "fri"], ["06:00", "14:30"], "Europe/Berlin")


def at(text: str) -> datetime:
    """A moment, given in any zone."""
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-11-24T03:00+01:00", "2026-11-24T06:00+01:00"),
        ("2026-11-24T06:00+01:00", "2026-11-24T14:30+01:00"),
        ("2026-11-27T14:30+01:00", "2026-11-30T06:00+01:00"),
        ("2026-11-23T22:59+00:00", "2026-11-24T06:00+01:00"),
    ],
)
def test_the_next_train_is_the_first_one_later_than_the_moment(after: str, expected: str) -> None:
    assert WEEKDAY_MORNINGS.next_departure(at(after)) == at(expected)


def test_a_time_that_clocks_skip_departs_at_the_jump_and_one_shown_twice_departs_once() -> None:
    nights = Schedule.read(WEEKDAYS, ["02:30"], "Europe/Berlin")
    assert nights.next_departure(at("2026-03-28T12:00Z")) == at("2026-03-29T03:00+02:00")
    first = nights.next_departure(at("2026-10-24T12:00Z"))
    assert first == at("2026-10-25T02:30+02:00")
    assert nights.next_departure(first) == at("2026-10-26T02:30+01:00")


@given(schedules, moments)
def test_a_train_departs_within_eight_days_and_on_time_by_the_zones_clocks(schedule: Schedule, after: datetime) -> None:
    found = schedule.next_departure(after)
    assert after < found <= after + timedelta(days=8)
    wall = found.astimezone(ZoneInfo(schedule.time_zone))
    is_on_time = wall.weekday() in schedule.weekdays and wall.time() in schedule.times
    # What is skipped departs at the jump, at which the offset is another than a moment before.
    before = (found - timedelta(seconds=1)).astimezone(ZoneInfo(schedule.time_zone))
    assert is_on_time or before.utcoffset() != wall.utcoffset()


@given(schedules, moments, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_no_train_is_missed_by_whoever_asks_later(schedule: Schedule, after: datetime, wait: timedelta) -> None:
    first, later = schedule.next_departure(after), schedule.next_departure(after + wait)
    assert later >= first
    assert (later == first) == (after + wait < first)


@given(schedules)
def test_a_schedule_is_the_same_after_it_was_written_down(schedule: Schedule) -> None:
    said = schedule.document()
    assert Schedule.read(said["days"], said["times"], said["time_zone"]) == schedule


@pytest.mark.parametrize(
    ("days", "times", "zone", "says"),
    [
        ([], ["06:00"], "UTC", "days are needed: some of mon, tue"),
        (["monday"], ["06:00"], "UTC", "'monday' is no day; possible are: mon"),
        (["mon"], [], "UTC", "times of day are needed"),
        (["mon"], ["24:00"], "UTC", "'24:00' is no time of day"),
        (["mon"], ["6:00"], "UTC", "such as 06:00"),
        (["mon"], ["06:00"], "Europe/Atlantis", "there is no time zone 'Europe/Atlantis'"),
        (["mon"], ["06:00"], "Europe", "there is no time zone 'Europe'"),
    ],
)
def test_a_schedule_without_departures_says_what_is_expected(
    days: list[str], times: list[str], zone: str, says: str
) -> None:
    with pytest.raises(ScheduleUnfit, match=says.replace("(", "\\(")):
        Schedule.read(days, times, zone)


NOW = at("2026-11-24T12:00Z")
WITH_TRAIN, AT_ONCE = False, True
EARLIER = at("2026-11-24T04:00Z")
NEXT, FIRST = at("2026-11-24T13:30Z"), at("2026-11-24T05:00Z")


def test_urgent_changes_and_those_without_trains_leave_when_they_are_approved() -> None:
    assert departure(WEEKDAY_MORNINGS, EARLIER, is_at_once=True) == EARLIER
    assert departure(None, EARLIER, is_at_once=False) == EARLIER
    assert departure(WEEKDAY_MORNINGS, EARLIER, is_at_once=False) == FIRST


@pytest.mark.parametrize(
    ("track", "awaited", "expected"),
    [
        (Track.STANDARD, [], NEXT),
        (Track.EXPEDITED, [], None),
        (Track.STANDARD, [Awaited(WITH_TRAIN, None)], NEXT),
        (Track.EXPEDITED, [Awaited(WITH_TRAIN, None)], NEXT),
        (Track.EXPEDITED, [Awaited(WITH_TRAIN, EARLIER)], FIRST),
        (Track.STANDARD, [Awaited(AT_ONCE, None)], None),
        (Track.STANDARD, [Awaited(WITH_TRAIN, EARLIER)], FIRST),
        (Track.STANDARD, [Awaited(AT_ONCE, EARLIER)], EARLIER),
        (Track.STANDARD, [Awaited(AT_ONCE, NOW), Awaited(WITH_TRAIN, EARLIER)], NOW),
        (Track.STANDARD, [Awaited(AT_ONCE, NOW), Awaited(WITH_TRAIN, None)], NEXT),
    ],
)
def test_a_submission_expects_the_last_of_its_changes(
    track: Track, awaited: list[Awaited], expected: datetime | None
) -> None:
    assert expected_release(WEEKDAY_MORNINGS, track, awaited, NOW) == expected


def test_without_trains_only_what_is_approved_is_expected() -> None:
    assert expected_release(None, Track.STANDARD, [Awaited(WITH_TRAIN, None)], NOW) is None
    assert expected_release(None, Track.STANDARD, [Awaited(WITH_TRAIN, EARLIER)], NOW) == EARLIER
