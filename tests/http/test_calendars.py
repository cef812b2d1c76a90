"""Calendars: a change moves what is still owed, all of it or nothing, and one that cannot be kept is refused."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from sigreq.embedded.service import Service
from tests.database import locked, waiting_for_locks
from tests.flows import names, refused
from tests.promises import DAY, HOUR, at, calendar, closed_for_days, customer, name, plan
from tests.world import World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")
MOVED = "calendar_changed"


def test_a_change_moves_what_is_owed_and_nothing_that_is_answered_or_closed(world: World) -> None:
    hours = calendar(world, closed_for_days(3))
    _, client = customer(world, plan(world, (60, 60, 60, 60), hours))
    product = world.product()
    owed = world.queued(client, product)
    answered = world.claimed(world.analyst, client, product)
    answered = world.analyst.answer(answered["id"], answered["revision"], "It is clean.", is_qualified=True)
    closed = world.submit(client, product)
    client.withdraw(closed["id"])
    before = {each["id"]: world.analyst.submission(each["id"]) for each in (owed, answered, closed)}
    changed = world.administrator.set_calendar(hours, {"time_zone": "UTC", "hours": closed_for_days(4)})
    after = {case_id: world.analyst.submission(case_id) for case_id in before}
    assert at(after[owed["id"]], "due_at") == at(owed, "due_at") + DAY
    assert at(after[owed["id"]], "warn_at") == at(owed, "warn_at") + DAY
    assert after[answered["id"]]["due_at"] == answered["due_at"]
    assert after[answered["id"]]["answered_at"] == answered["answered_at"]
    assert after[closed["id"]] == before[closed["id"]]
    assert changed["revision"] == 2
    told = [item for item in client.timeline(owed["id"])["items"] if item["name"] == MOVED]
    assert [(item["data"]["was_due_at"], item["data"]["due_at"]) for item in told] == [
        (at(owed, "due_at").isoformat(), at(after[owed["id"]], "due_at").isoformat())
    ]
    assert MOVED not in names(client.timeline(closed["id"]))


def test_a_change_of_one_calendar_leaves_what_counts_in_another(world: World) -> None:
    hours, other = calendar(world), calendar(world)
    _, client = customer(world, plan(world, calendar=hours))
    case = world.queued(client, world.product())
    changed = world.administrator.set_calendar(other, {"time_zone": "UTC", "hours": closed_for_days()})
    assert changed["submissions_moved"] == 0
    assert world.analyst.submission(case["id"]) == case


def test_new_submissions_count_in_the_new_hours_and_the_time_used_is_counted_anew(world: World) -> None:
    hours = calendar(world, closed_for_days(3))
    _, client = customer(world, plan(world, (60, 60, 60, 60), hours))
    product = world.product()
    first = world.queued(client, product)
    changed = world.administrator.set_calendar(hours, {"time_zone": "UTC", "hours": "24x7"})
    assert changed["submissions_moved"] == 1
    second = world.submit(client, product)
    assert at(second, "response_due_at") == at(second, "received_at") + HOUR
    assert at(world.analyst.submission(first["id"]), "due_at") == at(first, "received_at") + HOUR


def test_the_customer_is_not_told_of_a_target_that_nobody_promised(world: World) -> None:
    hours = calendar(world, closed_for_days(3))
    _, client = customer(world, plan(world, (60, 60, 60, 60), hours, is_guaranteed=False))
    case = world.queued(client, world.product())
    world.administrator.set_calendar(hours, {"time_zone": "UTC", "hours": closed_for_days(4)})
    assert at(world.analyst.submission(case["id"]), "due_at") == at(case, "due_at") + DAY
    (told,) = [item for item in client.timeline(case["id"])["items"] if item["name"] == MOVED]
    assert "due_at" not in told["data"]


def test_nothing_moves_until_everything_can(world: World, service: Service) -> None:
    hours = calendar(world, closed_for_days(3))
    _, client = customer(world, plan(world, (60, 60, 60, 60), hours))
    product = world.product()
    cases = [world.queued(client, product) for _ in range(3)]
    last = max(case["id"] for case in cases)
    lock = "SELECT 1 FROM submission WHERE id = :id FOR UPDATE"
    with ThreadPoolExecutor(1) as pool:
        with locked(service, lock, id=last) as wait_until_waiting:
            body = {"time_zone": "UTC", "hours": closed_for_days(4)}
            changing = pool.submit(world.administrator.set_calendar, hours, body)
            wait_until_waiting(1)
            assert [world.analyst.submission(case["id"]) for case in cases] == cases
            assert world.administrator.calendar(hours)["revision"] == 1
        assert changing.result()["submissions_moved"] == 3
    for case in cases:
        assert at(world.analyst.submission(case["id"]), "due_at") == at(case, "due_at") + DAY
        assert names(world.analyst.timeline(case["id"])).count(MOVED) == 1


def test_a_submission_that_comes_while_the_calendar_changes_is_not_left_behind(world: World, service: Service) -> None:
    """It has read the old hours and waits to be written: a change that did not wait for it would overlook it."""
    hours = calendar(world, closed_for_days(3))
    _, client = customer(world, plan_id := plan(world, (60, 60, 60, 60), hours))
    product = world.product()
    with ThreadPoolExecutor(2) as pool:
        with locked(service, "SELECT 1 FROM plan WHERE id = :id FOR UPDATE", id=plan_id) as wait_until_waiting:
            coming = pool.submit(world.submit, client, product)
            wait_until_waiting(1)
            body = {"time_zone": "UTC", "hours": closed_for_days(4)}
            changing = pool.submit(world.administrator.set_calendar, hours, body)
            wait_for(lambda: changing.done() or waiting_for_locks(service) > 1, bool)
        changing.result()
        case_id = coming.result()["id"]
    found = world.analyst.submission(case_id)
    assert at(found, "due_at").date() == (datetime.now(UTC) + 4 * DAY).date()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"hours": ";"}, "not understood"),
        ({"hours": "Mon-Fri"}, "not understood"),
        ({"hours": "Mon-Fri 18:00-09:00"}, "ends before it begins"),
        ({"hours": "Mon-Fri 09:00-13:00 12:00-18:00"}, "overlap"),
        ({"time_zone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ({"region": "XX", "years": [2026]}, "no public holidays of 'XX'"),
        ({"region": "DE-XX", "years": [2026]}, "no part 'XX'"),
        ({"holidays": ["2026-02-30"]}, "day"),
        ({"exceptions": "2026-12-24 open"}, "not understood"),
        ({"exceptions": "2026-12-24 09:00-12:00 11:00-13:00"}, "overlap"),
    ],
)
def test_hours_that_cannot_be_kept_are_refused_and_nothing_moves(
    world: World, wrong: dict[str, Any], says: str
) -> None:
    hours = calendar(world, closed_for_days(3))
    _, client = customer(world, plan(world, (60, 60, 60, 60), hours))
    case = world.queued(client, world.product())
    stood = world.administrator.calendar(hours)
    with refused(422, "calendar_unfit") as problem:
        world.administrator.set_calendar(hours, {"time_zone": "UTC", "hours": "24x7", **wrong})
    assert says in problem["detail"], problem["detail"]
    assert world.administrator.calendar(hours) == stood
    assert world.analyst.submission(case["id"]) == case


def test_a_calendar_that_was_refused_when_it_was_new_does_not_exist(world: World) -> None:
    new = name(world)
    with refused(422, "calendar_unfit"):
        world.administrator.set_calendar(new, {"time_zone": "UTC", "hours": "Mon-Fri"})
    with refused(404, "not_found"):
        world.administrator.calendar(new)


def test_the_holidays_of_a_region_are_copied_in_with_ones_own(world: World) -> None:
    hours = calendar(world, "Mon-Fri 09:00-18:00", region="DE-BE", years=[2026, 2027], holidays=["2026-12-31"])
    days = world.administrator.calendar(hours)["holidays"]
    assert {"2026-03-08", "2027-03-08", "2026-10-03", "2026-12-25", "2026-12-31"} <= set(days)
    assert "2026-01-06" not in days, "a holiday of Bavaria, not of Berlin"
    assert {day[:4] for day in days} == {"2026", "2027"}
    assert days == sorted(days)


def test_a_holiday_and_an_exception_move_the_due_time(world: World) -> None:
    opens = datetime.now(UTC) + 3 * DAY
    hours = calendar(world, closed_for_days(3))
    _, client = customer(world, plan(world, (60, 60, 60, 60), hours))
    case = world.queued(client, world.product())
    assert at(case, "due_at") == opens.replace(hour=10, minute=0, second=0, microsecond=0)
    body = {"time_zone": "UTC", "hours": closed_for_days(3), "holidays": [f"{opens:%Y-%m-%d}"]}
    world.administrator.set_calendar(hours, body)
    assert at(world.analyst.submission(case["id"]), "due_at") == at(case, "due_at") + 7 * DAY
    world.administrator.set_calendar(hours, {**body, "exceptions": f"{opens:%Y-%m-%d} 12:00-14:00"})
    assert at(world.analyst.submission(case["id"]), "due_at") == at(case, "due_at") + 3 * HOUR
