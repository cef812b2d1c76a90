"""Trains as data: when versions go out, and what a submission that waits may expect."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sigreq.domain.trains import WEEKDAYS
from tests.commands import key_to, sigreq
from tests.flows import approved, hit_by, refused
from tests.promises import at
from tests.world import World

pytestmark = pytest.mark.usefixtures("balanced")


def _hours_ahead(hours: int) -> dict[str, Any]:
    """Trains that depart every day, some hours from now."""
    return {
        "days": list(WEEKDAYS),
        "times": [f"{datetime.now(UTC) + timedelta(hours=hours):%H:%M}"],
        "time_zone": "UTC",
    }


def _sigreq(world: World, key: str, *command: str) -> Any:
    """What a command says as JSON."""
    done = sigreq(*command, "--json", env=key_to(world.url, world.keys[key]))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_schedule_is_set_shown_and_removed(world: World) -> None:
    product = world.product()
    assert world.release.schedule(product) == {"schedule": None, "next_departure": None}
    command = ["admin", "product", "schedule", product]
    options = ["--day", "tue", "--day", "mon", "--at", "14:30", "--at", "06:00", "--zone", "Europe/Berlin"]
    told = _sigreq(world, "administrator", *command, *options)
    assert told["schedule"] == {"days": ["mon", "tue"], "times": ["06:00", "14:30"], "time_zone": "Europe/Berlin"}
    assert at(told, "next_departure") > datetime.now(UTC)
    shown = _sigreq(world, "administrator", *command)
    assert shown == world.release.schedule(product) == told
    assert _sigreq(world, "administrator", *command, "--none")["schedule"] is None


def test_a_schedule_without_departures_is_refused(world: World) -> None:
    product = world.product()
    with refused(422, "train_schedule_unfit") as told:
        world.administrator.set_schedule(product, ["monday"], ["06:00"], "UTC")
    assert (told["why"]["code"], told["why"]["day"]) == ("day_unknown", "monday")
    assert "possible are: mon" in told["why"]["text"]
    with refused(404, "not_found"):
        world.administrator.set_schedule("no-such-product", ["mon"], ["06:00"], "UTC")


def test_a_standard_submission_expects_the_next_train_from_its_conclusion_on(world: World) -> None:
    product, customer = world.product(), world.customer()
    world.administrator.set_schedule(product, **_hours_ahead(3))
    departs = world.release.schedule(product)["next_departure"]
    waits = world.queued(customer, product)
    assert customer.submission(waits["id"])["expected_release_at"] is None
    case = world.determined(world.analyst, customer, product)
    for reader in (customer, world.analyst):
        assert at(reader.submission(case["id"]), "expected_release_at") == datetime.fromisoformat(departs)
    approved(world, case)
    (listed,) = customer.submissions(state="determined")["items"]
    assert at(listed, "expected_release_at") == datetime.fromisoformat(departs)
    told = customer.timeline(case["id"])["items"][-1]
    assert (told["name"], at(told["data"], "expected_release_at")) == ("fix_approved", datetime.fromisoformat(departs))


def test_an_urgent_one_expects_nothing_until_it_is_approved_and_then_any_moment(world: World) -> None:
    product, customer = world.product(), world.customer("msa_start")
    world.administrator.set_schedule(product, **_hours_ahead(3))
    case = world.determined(world.analyst, customer, product, kind="false_negative")
    assert customer.submission(case["id"])["expected_release_at"] is None
    approved(world, case, "Fresh", hit_by("Fresh"))
    assert at(customer.submission(case["id"]), "expected_release_at") <= datetime.now(UTC)


def test_an_urgent_one_that_rewrites_something_waits_for_the_train(world: World) -> None:
    product, customer = world.product(), world.customer("msa_start")
    world.administrator.set_schedule(product, **_hours_ahead(3))
    departs = world.release.schedule(product)["next_departure"]
    case = world.determined(world.analyst, customer, product)
    approved(world, case)
    assert at(customer.submission(case["id"]), "expected_release_at") == datetime.fromisoformat(departs)


def test_the_tool_has_an_urgent_change_in_force_at_once_and_the_train_takes_both(world: World, tmp_path: Path) -> None:
    product = world.product({})
    world.administrator.set_schedule(product, **_hours_ahead(3))
    run = ["release", "run", "--product", product, "--once", "--state", str(tmp_path / "state.json")]
    ids = {}
    for name, plan in (("Calm", "standard"), ("Urgent", "msa_start")):
        case = world.determined(world.analyst, world.customer(plan), product, kind="false_negative")
        ids[name] = approved(world, case, name, hit_by(name))["id"]
    told = _sigreq(world, "release", *run)
    assert (told["version"], [each["change_id"] for each in told["extras"]]) == (None, [ids["Urgent"]])
    assert [each["change_id"] for each in world.release.extras(product)["items"]] == [ids["Urgent"]]
    assert _sigreq(world, "release", *run) == {"version": None, "changes": [], "extras": []}
    assert {each["id"] for each in _sigreq(world, "release", *run, "--now")["changes"]} == set(ids.values())
    assert world.release.extras(product)["items"] == []
