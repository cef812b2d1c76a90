"""Contract, calendar, phone and report from the command line to the running service and back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sigreq.cli.main import main
from tests.world import MARKER, World, wait_for

HOUR = timedelta(hours=1)


class Desk:
    """A world with a new customer, who gets a plan and a calendar of their own, and all at their command lines."""

    def __init__(self, world: World, work: Path) -> None:
        self.world = world
        self.work = work
        self.organisation = world.organisation()
        self.plan, self.calendar = f"plan-of-{self.organisation}", f"hours-of-{self.organisation}"
        self.keys = {**world.keys, "customer": world.key("customer", self.organisation)}

    def run(self, who: str, *arguments: str, refused: str | None = None) -> Any:
        """Run `sigreq ...` as somebody; its JSON. `refused` is the code of the problem that must come instead."""
        env = {"SIGREQ_URL": self.world.url, "SIGREQ_API_KEY": self.keys.get(who)}
        result = CliRunner().invoke(main, [*arguments, "--json"], env=env)
        assert result.exit_code == (0 if refused is None else 1), f"{arguments}: {result.output}"
        document = json.loads(result.stdout)
        assert refused in {None, document and document.get("code")}, document
        return document

    def text(self, who: str, *arguments: str) -> str:
        """Run it for people; what they read."""
        env = {"SIGREQ_URL": self.world.url, "SIGREQ_API_KEY": self.keys[who]}
        result = CliRunner().invoke(main, arguments, env=env)
        assert result.exit_code == 0, f"{arguments}: {result.output}"
        return result.stdout

    def set_hours(self, days: int) -> Any:
        """Open the calendar for an hour of the weekday in so many days."""
        hours = f"{datetime.now(UTC) + days * 24 * HOUR:%a} 09:00-10:00"
        return self.run("administrator", "admin", "calendar", "set", self.calendar, "--zone", "UTC", "--hours", hours)

    def set_plan(self, *more: str) -> Any:
        """Severity 1 counts round the clock, the others in the calendar."""
        goals = ["1=2h:always:guaranteed", *(f"{severity}=8h:{self.calendar}:target" for severity in (2, 3, 4))]
        said = ["--title", "Gold", "--track", "expedited", *(part for goal in goals for part in ("--goal", goal))]
        phone = ["--needs-phone", "--phone-number", "+49 30 1234", "--office", self.calendar]
        return self.run("administrator", "admin", "plan", "set", self.plan, *said, *phone, *more)

    def file(self, name: str) -> str:
        """A new file that the rule of `World.product` hits."""
        path = self.work / name
        path.write_bytes(MARKER + name.encode() + self.work.name.encode())
        return str(path)


def at(document: Mapping[str, Any], name: str) -> datetime:
    """A time of an answer."""
    return datetime.fromisoformat(document[name])


def claim_on(product: str) -> list[str]:
    """A claim of severity 1 that is accepted as it stands."""
    version = ["--product-version", "7", "--database-version", "20261122.1", "--detection-name", "Marker"]
    return [
        *("--kind", "false_positive", "--product", product, "--severity", "1"),
        *(*version, "--contact", "it@example.org"),
    ]


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Desk:
    """An organisation under contract, in a plan whose office is closed now and for some days."""
    desk = Desk(world, tmp_path)
    desk.set_hours(3)
    assert desk.set_plan("--premium-incidents", "unlimited")["premium_incidents"] is None
    starts = f"{datetime.now(UTC) - HOUR:%Y-%m-%dT%H:%M:%SZ}"
    desk.run("administrator", "admin", "contract", "add", desk.organisation, desk.plan, "--starts", starts)
    return desk


@pytest.mark.usefixtures("balanced")
def test_a_contract_is_kept_from_the_command_line(desk: Desk) -> None:
    product = desk.world.product()
    submitted = desk.run("customer", "submit", desk.file("by-hand.exe"), *claim_on(product), "--wait")
    assert "Phone call:             still required: +49 30 1234" in desk.text("customer", "status", submitted["id"])
    assert at(submitted, "response_due_at") > datetime.now(UTC) + 24 * HOUR
    called = _call_starts_the_clock(desk, submitted)
    _new_hours_move_what_is_counted_in_them(desk, product, called["id"])
    by_phone = _request_is_made_by_phone(desk, product)
    _answers_are_reported(desk, [called, by_phone])


def _call_starts_the_clock(desk: Desk, submitted: Mapping[str, Any]) -> dict[str, Any]:
    called: dict[str, Any] = desk.run("analyst", "decide", "phone-call", submitted["id"], "--note", "Please hurry.")
    assert at(called, "response_due_at") < datetime.now(UTC) + 2 * HOUR
    assert (called["phone_call_required"], called["notices"]) == (False, [])
    early = ["decide", "phone-call", submitted["id"], "--at", "2026-01-01T00:00:00Z"]
    desk.run("analyst", *early, refused="call_out_of_time")
    return called


def _new_hours_move_what_is_counted_in_them(desk: Desk, product: str, called_id: str) -> None:
    """Severity 2 counts in the calendar; severity 1 was started by the call, so it only carries the event."""
    called = desk.world.analyst.submission(called_id)["due_at"]
    claim = [*claim_on(product), "--severity", "2"]
    waiting = desk.run("customer", "submit", desk.file("waits.exe"), *claim)
    before = desk.world.analyst.submission(waiting["id"])["due_at"]
    assert desk.set_hours(4)["submissions_moved"] == 2
    assert desk.world.analyst.submission(waiting["id"])["due_at"] != before
    assert desk.world.analyst.submission(called_id)["due_at"] == called
    desk.run("customer", "withdraw", waiting["id"])


def _request_is_made_by_phone(desk: Desk, product: str) -> dict[str, Any]:
    request = ["decide", "phone-request", desk.organisation, *claim_on(product)]
    stale = [*request, "--database-version", "20260101.1"]
    desk.run("analyst", *stale, refused="database_version_unknown")
    link = desk.run("analyst", *request)["link"]
    sent: dict[str, Any] = desk.run("nobody", "upload", link, desk.file("by-phone.exe"))
    assert at(sent, "response_due_at") == at(sent, "received_at") + 2 * HOUR
    assert not sent["phone_call_required"]
    assert sent["id"] in desk.text("customer", "list")
    desk.run("nobody", "upload", link, desk.file("again.exe"), refused="upload_link_used")
    return sent


def _answers_are_reported(desk: Desk, cases: list[dict[str, Any]]) -> None:
    first = desk.world.until(cases[0]["id"], "queued")
    assert cases[0]["id"] in desk.text("analyst", "queue", "--limit", "100")
    desk.run("analyst", "decide", "claim", first["id"])
    desk.run("analyst", "decide", "ask", first["id"], "All of: the log, the version, the vendor?", "--qualified")
    desk.run("analyst", "decide", "miss-reason", first["id"], "It was not missed at all.")
    report = desk.run("lead", "report")
    [line] = [each for each in report["lines"] if each["plan"] == desk.plan]
    assert (line["severity"], line["met"], line["missed"], line["running"]) == (1, 1, 0, 1)
    assert "100.0 %" in desk.text("lead", "report")
    assert desk.text("lead", "report", "--csv").startswith("plan,severity,month,met")
    desk.run("analyst", "report", refused="wrong_role")
    incidents = desk.run("customer", "account")["contract"]["premium_incidents"]
    assert incidents == {"limit": None, "used": 1, "reserved": 1, "left": None}


def test_files_of_one_phone_request_join_the_submission_that_has_them(desk: Desk) -> None:
    product = desk.world.product()
    file = desk.file("twice.exe")
    submitted = desk.run("customer", "submit", file, *claim_on(product))
    link = desk.run("analyst", "decide", "phone-request", desk.organisation, *claim_on(product))["link"]
    joined = desk.run("nobody", "upload", link, file)
    assert (joined["id"], joined["is_joined"]) == (submitted["id"], True)
    assert at(joined, "response_due_at") < datetime.now(UTC) + 2 * HOUR


def test_a_name_that_could_not_be_used_again_is_refused(desk: Desk) -> None:
    for arguments in (
        ["group", "set", "My Group", "--title", "x"],
        ["calendar", "set", "Ä", "--zone", "UTC", "--hours", "24x7"],
    ):
        desk.run("administrator", "admin", *arguments, refused="field_invalid")


def test_hours_that_cannot_be_read_are_refused_with_the_form_they_need(desk: Desk) -> None:
    arguments = ["admin", "calendar", "set", desk.calendar, "--zone", "UTC", "--hours", "whenever"]
    told = desk.run("administrator", *arguments, refused="calendar_unfit")["detail"]
    assert "'whenever' is not understood. Expected for example 24x7" in told
    assert not told.endswith("..")


def test_who_joins_a_group_is_given_its_cases(desk: Desk) -> None:
    desk.run("administrator", "admin", "group", "set", "gold-team", "--title", "Gold team")
    desk.set_plan("--free", "--group", "gold-team")
    person = desk.run("administrator", "admin", "person", "add", "Nia", "--role", "analyst", "--group", "gold-team")
    desk.keys["nia"] = person["key"]
    case = desk.run("customer", "submit", desk.file("for-the-team.exe"), *claim_on(desk.world.product()))
    wait_for(lambda: desk.run("nia", "queue")["items"], lambda seen: [each["id"] for each in seen] == [case["id"]])
    assert case["id"] not in desk.text("analyst", "queue", "--limit", "100")
    desk.run("administrator", "admin", "group", "leave", "gold-team", person["id"])
    assert desk.run("nia", "queue") == {"items": []}
    desk.run("administrator", "admin", "group", "join", "gold-team", person["id"])
    assert desk.run("nia", "decide", "take")["id"] == case["id"]
