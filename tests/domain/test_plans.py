"""What a plan promises, as times."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.plans import Goal, Plan, promise
from sigreq.domain.submission import Severity, Track
from sigreq.domain.worktime import Calendar, parse_hours, working_time_between

OFFICE = Calendar("Europe/Berlin", parse_hours("Mon-Fri 09:00-18:00"))
CALENDARS = {"office": OFFICE}
_moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 - made aware at once
    lambda moment: moment.replace(tzinfo=UTC)
)
_goals = st.integers(1, 100).map(lambda hours: timedelta(hours=hours))


def _plan(amount: timedelta, *, is_guaranteed: bool) -> Plan:
    return Plan("p", Track.EXPEDITED, {severity: Goal(amount, "office", is_guaranteed) for severity in Severity})


@given(_moments, _goals)
def test_due_is_the_goal_in_working_time_and_the_warning_at_three_quarters(since: datetime, amount: timedelta) -> None:
    found = promise(_plan(amount, is_guaranteed=True), Severity.HIGH, CALENDARS, since)
    assert found.warn_at is not None
    assert since <= found.warn_at < found.due_at
    assert working_time_between(OFFICE, since, found.due_at) == amount
    assert working_time_between(OFFICE, since, found.warn_at) == amount * 0.75


@given(_moments, _goals)
def test_what_is_not_guaranteed_is_never_warned_of(since: datetime, amount: timedelta) -> None:
    found = promise(_plan(amount, is_guaranteed=False), Severity.LOW, CALENDARS, since)
    assert (found.warn_at, found.is_guaranteed) == (None, False)


@given(_moments, _moments, _goals)
def test_who_came_earlier_is_due_no_later(one: datetime, other: datetime, amount: timedelta) -> None:
    plan = _plan(amount, is_guaranteed=True)
    first, second = (promise(plan, Severity.LOW, CALENDARS, since).due_at for since in sorted([one, other]))
    assert first <= second
