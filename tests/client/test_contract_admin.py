"""The commands by which an administrator keeps contracts, plans, calendars and groups, against a real HTTP server."""

from typing import Any

import pytest

from tests.client.server import Answer, Scripted
from tests.client.test_commands import run

GOALS = ["1=2h:always:guaranteed", "2=90m:office:guaranteed", "3=8h:office:target", "4=10h:office:target"]
PLAN: dict[str, Any] = {
    "id": "gold",
    "title": "Gold",
    "track": "expedited",
    "goals": {
        "1": {"minutes": 120, "calendar": "always", "is_guaranteed": True},
        "2": {"minutes": 90, "calendar": "office", "is_guaranteed": True},
        "3": {"minutes": 480, "calendar": "office", "is_guaranteed": False},
        "4": {"minutes": 600, "calendar": "office", "is_guaranteed": False},
    },
    "premium_incidents": None,
    "costs_premium": True,
    "needs_phone": True,
    "phone_number": "+49 30 1234",
    "office": "office",
    "group": "analysts",
}
CALENDAR: dict[str, Any] = {
    "calendar_id": "office",
    "revision": 2,
    "time_zone": "Europe/Berlin",
    "hours": "Mon-Fri 09:00-18:00",
    "region": "DE-BE",
    "holidays": ["2026-12-25", "2027-01-01"],
    "extra_workdays": [],
    "exceptions": "2026-12-24 closed",
    "submissions_moved": 4,
}


def set_plan(server: Scripted, goals: list[str], *more: str) -> Any:
    """Run `admin plan set` with these goals."""
    said = [part for goal in goals for part in ("--goal", goal)]
    return run(server, "admin", "plan", "set", "gold", "--title", "Gold", "--track", "expedited", *said, *more)


def test_a_plan_is_sent_whole_and_unlimited_is_null(server: Scripted) -> None:
    server.on("PUT /v1/admin/plans/gold", Answer(PLAN))
    result = set_plan(
        server, GOALS, "--premium-incidents", "unlimited", "--needs-phone", "--phone-number", "+49 30 1234"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert server.seen[0].document == {name: value for name, value in PLAN.items() if name != "id"}
    assert (
        "unlimited premium incidents a year; needs a call to +49 30 1234 outside the calendar office" in result.stdout
    )
    assert "severity 2: answer within 1.5 h (office), guaranteed" in result.stdout
    assert "severity 3: answer within 8 h (office), internal target" in result.stdout


def test_what_is_not_said_of_a_plan_is_sent_as_its_default(server: Scripted) -> None:
    server.on("PUT /v1/admin/plans/gold", Answer(PLAN))
    assert set_plan(server, GOALS, "--free").exit_code == 0
    sent = server.seen[0].document
    assert (sent["premium_incidents"], sent["costs_premium"], sent["needs_phone"]) == (0, False, False)
    assert (sent["phone_number"], sent["office"], sent["group"]) == (None, "office", "analysts")


@pytest.mark.parametrize(
    "goals", [GOALS[:3], [*GOALS, GOALS[0]], [*GOALS[:3], GOALS[0]]], ids=["too few", "too many", "one twice"]
)
def test_a_plan_needs_a_goal_for_each_severity_once(server: Scripted, goals: list[str]) -> None:
    result = set_plan(server, goals)
    assert result.exit_code == 2
    assert "once for each severity, 1 to 4" in result.stderr
    assert server.seen == []


@pytest.mark.parametrize("wrong", ["5=2h:always:guaranteed", "1=2d:always:target", "1=2h:always", "1=2h:always:maybe"])
def test_a_goal_that_cannot_be_read_says_how_one_is_written(server: Scripted, wrong: str) -> None:
    result = set_plan(server, [wrong, *GOALS[1:]])
    assert result.exit_code == 2
    assert "1=2h:always:guaranteed" in result.stderr
    assert server.seen == []


def test_every_plan_is_listed_with_its_goals(server: Scripted) -> None:
    free = PLAN | {"id": "free", "costs_premium": False, "needs_phone": False, "phone_number": None}
    server.on("GET /v1/admin/plans", Answer({"items": [PLAN, free]}))
    text = run(server, "admin", "plan", "list").stdout
    assert text.count("severity 4: answer within 10 h") == 2
    assert "costs no premium incidents; no calls" in text


def test_a_contract_is_added_with_its_times(server: Scripted) -> None:
    made = {
        "id": "CT-1",
        "organisation": "acme",
        "plan": "gold",
        "starts_at": "2026-01-01T00:00:00+01:00",
        "ends_at": None,
    }
    server.on("POST /v1/admin/contracts", Answer(made, 201))
    result = run(server, "admin", "contract", "add", "acme", "gold", "--starts", "2026-01-01T00:00:00+01:00")
    assert "CT-1: acme has gold" in result.stdout
    assert "without an end" in result.stdout
    sent = server.seen[0].document
    assert sent == {"organisation": "acme", "plan": "gold", "starts_at": "2026-01-01T00:00:00+01:00"}


def test_a_contract_cannot_start_at_a_time_that_can_be_misread(server: Scripted) -> None:
    assert run(server, "admin", "contract", "add", "acme", "gold", "--starts", "2026-01-01").exit_code == 2
    assert server.seen == []


def test_an_organisation_without_a_contract_is_told_what_counts(server: Scripted) -> None:
    server.on("GET /v1/admin/contracts", Answer({"items": []}))
    assert "the standard plan counts" in run(server, "admin", "contract", "list", "acme").stdout
    assert server.seen[0].query == {"organisation": "acme"}


def test_a_contract_ends_at_a_time(server: Scripted) -> None:
    ended = {"id": "CT-1", "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"}
    server.on("POST /v1/admin/contracts/CT-1/end", Answer(ended))
    result = run(server, "admin", "contract", "end", "CT-1", "--at", "2027-01-01T00:00:00Z")
    assert (result.exit_code, server.seen[0].document) == (0, {"ends_at": "2027-01-01T00:00:00+00:00"})


def test_a_calendar_is_set_with_years_and_days_and_says_what_it_moved(server: Scripted) -> None:
    server.on("PUT /v1/admin/calendars/office", Answer(CALENDAR))
    hours = ["--zone", "Europe/Berlin", "--hours", "Mon-Fri 09:00-18:00"]
    days = ["--region", "DE-BE", "--years", "2026-2028", "--holiday", "2026-12-31", "--exceptions", "2026-12-24 closed"]
    result = run(server, "admin", "calendar", "set", "office", *hours, *days)
    assert server.seen[0].document == {
        "time_zone": "Europe/Berlin",
        "hours": "Mon-Fri 09:00-18:00",
        "region": "DE-BE",
        "years": [2026, 2027, 2028],
        "holidays": ["2026-12-31"],
        "exceptions": "2026-12-24 closed",
    }
    assert "4 open submissions are counted by it" in result.stdout
    assert "2026-12-25, 2027-01-01" in result.stdout


@pytest.mark.parametrize("wrong", [["--region", "US"], ["--years", "2026"], ["--region", "US", "--years", "2028-2026"]])
def test_holidays_need_a_region_and_years_in_their_order(server: Scripted, wrong: list[str]) -> None:
    hours = ["--zone", "UTC", "--hours", "24x7"]
    assert run(server, "admin", "calendar", "set", "office", *hours, *wrong).exit_code == 2
    assert server.seen == []


def test_a_group_is_told_its_secret_once(server: Scripted) -> None:
    group = {"id": "night", "title": "Night", "on_call_email": None, "on_call_url": "https://x.example/h"}
    server.on("PUT /v1/admin/groups/night", Answer(group | {"on_call_secret": "whsec_1"}))
    arguments = ["admin", "group", "set", "night", "--title", "Night", "--on-call-url", "https://x.example/h"]
    assert "Secret: whsec_1" in run(server, *arguments).stdout
    people = [{"id": "P1", "name": "Ada"}, {"id": "P2", "name": "Bo"}]
    server.on("GET /v1/admin/groups", Answer({"items": [group | {"people": people}]}))
    assert "Ada (P1), Bo (P2)" in run(server, "admin", "group", "list").stdout


def test_people_join_and_leave_a_group(server: Scripted) -> None:
    server.on("PUT /v1/admin/groups/night/members/P1", Answer(None, 204))
    server.on("DELETE /v1/admin/groups/night/members/P1", Answer(None, 204))
    assert run(server, "admin", "group", "join", "night", "P1").exit_code == 0
    assert run(server, "admin", "group", "leave", "night", "P1", "--json").stdout == "null\n"
    assert len(server.seen) == 2


def test_a_person_is_added_with_mail_and_group(server: Scripted) -> None:
    server.on("POST /v1/admin/people", Answer({"id": "P1", "key": "sgrq_live_new"}, 201))
    more = ["--email", "ada@example.com", "--language", "ru", "--group", "night"]
    assert run(server, "admin", "person", "add", "Ada", "--role", "analyst", *more).exit_code == 0
    said = {"email": "ada@example.com", "language": "ru", "group": "night"}
    assert server.seen[0].document == {"name": "Ada", "role": "analyst", **said}
