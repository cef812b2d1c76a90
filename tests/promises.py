"""Plans, calendars and contracts that tests make for themselves, and the few times that only a database can move."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.database import write
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PHONE = "+49 30 1234"


def name(world: World) -> str:
    """A name that nobody else has: that of a new organisation."""
    return world.organisation()


def goals(minutes: Sequence[int], calendar: str = "always", *, is_guaranteed: bool = True) -> dict[str, Any]:
    """Goals of severity 1 to 4."""
    return {
        str(severity): {"minutes": each, "calendar": calendar, "is_guaranteed": is_guaranteed}
        for severity, each in enumerate(minutes, start=1)
    }


def plan(world: World, minutes: Sequence[int] = (60, 120, 180, 240), calendar: str = "always", **more: Any) -> str:
    """A new expedited plan with unlimited incidents; its goals count in the calendar."""
    guaranteed = more.pop("is_guaranteed", True)
    made = {
        "title": "A plan of the tests",
        "track": "expedited",
        "goals": goals(minutes, calendar, is_guaranteed=guaranteed),
        "premium_incidents": None,
        "office": calendar,
        **more,
    }
    found: str = world.administrator.set_plan(name(world), made)["id"]
    return found


def calendar(world: World, hours: str = "24x7", **more: Any) -> str:
    """A new calendar in UTC."""
    found: str = world.administrator.set_calendar(name(world), {"time_zone": "UTC", "hours": hours, **more})[
        "calendar_id"
    ]
    return found


def closed_for_days(days: int = 3) -> str:
    """Hours that begin so many days from today, UTC."""
    return f"{datetime.now(UTC) + days * DAY:%a} 09:00-18:00"


def phone_plan(world: World, hours: str) -> str:
    """Like MSA Business: L1 round the clock, the rest in office hours, and a call outside them."""
    office = calendar(world, hours)
    counted = {**goals((120, 360, 480, 600), office), "1": goals((120,))["1"]}
    return plan(world, goals=counted, office=office, needs_phone=True, phone_number=PHONE)


def customer(world: World, plan_id: str) -> tuple[str, Client]:
    """A new organisation of this plan, and somebody of it."""
    organisation = world.organisation(plan_id)
    return organisation, world.person("customer", organisation)


def incidents(client: Client) -> tuple[int, int, int | None]:
    """Used, reserved and left, as the customer sees them."""
    found = client.account()["contract"]["premium_incidents"]
    return found["used"], found["reserved"], found["left"]


def at(document: Mapping[str, Any], field: str) -> datetime:
    """A time of an answer."""
    return datetime.fromisoformat(document[field])


def group_with(world: World, **on_call: str) -> tuple[str, Client, dict[str, Any]]:
    """A new analyst group, its only analyst, and the group as it was answered."""
    group = name(world)
    made = world.administrator.set_group(group, "A group of the tests", **on_call)
    key = world.administrator.add_person(f"analyst of {group}", "analyst", group=group)["key"]
    return group, world.client(key), made


def shorten(service: Service, plan_id: str, seconds: float) -> None:
    """Make every goal of a plan shorter than the minute that can be set, so that no test has to wait for one."""
    statement = """
        UPDATE plan SET goals = (
            SELECT jsonb_object_agg(key, jsonb_set(value, '{minutes}', to_jsonb(CAST(:minutes AS float))))
            FROM jsonb_each(goals)
        ) WHERE id = :id"""
    write(service, statement, minutes=seconds / 60, id=plan_id)


def make_overdue(service: Service, submission_id: str, hours: int = 1) -> None:
    """Move what the queue sorts by into the past."""
    statement = "UPDATE submission SET due_at = now() - make_interval(hours => :hours) WHERE id = :id"
    write(service, statement, hours=hours, id=submission_id)
