"""Premium incidents: the contract's own year, and what is left of one."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sigreq.domain.premium import Balance, contract_year

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia"), timezone(timedelta(0, 1))]
)
COUNTS = st.integers(0, 40)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def test_a_year_turns_on_the_anniversary_not_on_new_year() -> None:
    start = berlin("2024-03-15T00:00")
    assert contract_year(start, berlin("2026-01-01T00:00")) == (berlin("2025-03-15T00:00"), berlin("2026-03-15T00:00"))


def test_the_anniversary_itself_belongs_to_the_new_year() -> None:
    start = berlin("2024-03-15T00:00")
    anniversary = berlin("2025-03-15T00:00")
    assert contract_year(start, anniversary)[0] == anniversary
    assert contract_year(start, anniversary - timedelta(microseconds=1))[1] == anniversary
    assert contract_year(start, start) == (start, anniversary)


def test_the_anniversary_of_a_leap_day_is_the_first_of_march_in_common_years() -> None:
    start = berlin("2024-02-29T00:00")
    begins = [contract_year(start, berlin(f"{year}-07-01T00:00"))[0].astimezone(BERLIN) for year in range(2024, 2029)]
    assert [begin.date().isoformat() for begin in begins] == [
        "2024-02-29",
        "2025-03-01",
        "2026-03-01",
        "2027-03-01",
        "2028-02-29",
    ]
    assert contract_year(start, berlin("2025-02-28T23:59"))[0] == start


def test_the_anniversary_is_local_midnight_in_winter_and_in_summer() -> None:
    start = berlin("2024-07-01T00:00")
    utc = datetime.fromisoformat
    assert contract_year(start, utc("2025-06-30T21:59Z"))[0] == start
    assert contract_year(start, utc("2025-06-30T22:00Z"))[0].isoformat() == "2025-06-30T22:00:00+00:00"


def test_a_moment_before_the_contract_belongs_to_no_year() -> None:
    with pytest.raises(ValueError, match="The contract starts at 2024-03-15"):
        contract_year(berlin("2024-03-15T00:00"), berlin("2024-03-14T23:59"))


def test_times_without_an_offset_are_refused() -> None:
    aware = berlin("2024-03-15T00:00")
    for start, at in ((aware, aware.replace(tzinfo=None)), (aware.replace(tzinfo=None), aware)):
        with pytest.raises(ValueError, match="no offset"):
            contract_year(start, at)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=ZONES),  # noqa: DTZ001 -- the strategy's form
    st.timedeltas(timedelta(0), timedelta(days=365 * 30)),
)
@example(berlin("2024-02-29T12:00"), timedelta(days=366))
@example(berlin("2024-10-27T02:30").replace(fold=1), timedelta(0))
def test_every_moment_is_in_one_year_and_years_follow_without_a_gap(start: datetime, after: timedelta) -> None:
    at = start.astimezone(UTC) + after
    begin, end = contract_year(start, at)
    assert begin <= at < end
    assert timedelta(days=364) < end - begin < timedelta(days=368)
    assert contract_year(start, end)[0] == end
    assert contract_year(start, begin) == (begin, end)


def test_twenty_asking_for_six_get_exactly_six() -> None:
    balance = Balance(limit=6, used=0, reserved=0)
    given_out = 0
    for _ in range(20):
        if balance.can_reserve:
            given_out += 1
            balance = Balance(balance.limit, balance.used, balance.reserved + 1)
    assert (given_out, balance.left) == (6, 0)


@given(COUNTS, COUNTS, COUNTS)
def test_what_is_left_is_never_negative_and_one_more_fits_only_when_some_is_left(
    limit: int, used: int, reserved: int
) -> None:
    balance = Balance(limit, used, reserved)
    assert balance.left is not None
    assert balance.left >= 0
    assert balance.can_reserve is (used + reserved + 1 <= limit)
    assert Balance(limit, used + reserved, 0).left == balance.left


@given(COUNTS, COUNTS)
def test_an_unlimited_plan_never_runs_out(used: int, reserved: int) -> None:
    balance = Balance(None, used, reserved)
    assert balance.left is None
    assert balance.can_reserve
