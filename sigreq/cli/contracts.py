"""An administrator's work on what customers are promised: contracts, plans, calendars, analyst groups."""

from datetime import datetime
from typing import Any

import click

from sigreq.cli.kinds import DAY, Goal, GoalType, Incidents, Moment, Years
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, aligned, goal_lines, moment, table

_SEVERITIES = ("1", "2", "3", "4")


@click.group()
def contract() -> None:
    """Who has which plan, and from when to when."""


@contract.command("add")
@click.argument("organisation")
@click.argument("plan")
@click.option("--starts", type=Moment(), required=True, help="Such as 2026-01-01T00:00:00+01:00.")
@click.option("--ends", type=Moment(), help="The first moment without it. [default: goes on until it is ended]")
@api_command
def add_contract(session: Session, organisation: str, plan: str, starts: datetime, ends: datetime | None) -> None:
    """Give ORGANISATION a contract for PLAN. Those of one organisation never overlap."""
    made = session.client.add_contract(organisation, plan, starts, ends)
    session.show(made, f"Contract {made['id']}: {organisation} has {plan} from {_span(made)}.")


@contract.command("list")
@click.argument("organisation")
@api_command
def list_contracts(session: Session, organisation: str) -> None:
    """List ORGANISATION's contracts, oldest first."""
    document = session.client.contracts(organisation)
    rows = [[row["id"], row["plan"], moment(row["starts_at"]), moment(row["ends_at"])] for row in document["items"]]
    text = table(["ID", "PLAN", "STARTS", "ENDS"], rows) if rows else "No contract: the standard plan counts."
    session.show(document, text)


@contract.command("end")
@click.argument("contract_id", metavar="ID")
@click.option("--at", type=Moment(), required=True, help="The first moment without it.")
@api_command
def end_contract(session: Session, contract_id: str, at: datetime) -> None:
    """Let a contract end. What submissions were promised stays promised."""
    document = session.client.end_contract(contract_id, at)
    session.show(document, f"Contract {contract_id}: from {_span(document)}.")


def _span(document: Document) -> str:
    end = "without an end" if document["ends_at"] is None else f"to {moment(document['ends_at'])}"
    return f"{moment(document['starts_at'])} {end}"


@click.group()
def plan() -> None:
    """What is promised, and to how many requests."""


@plan.command("list")
@api_command
def list_plans(session: Session) -> None:
    """List the plans."""
    document = session.client.plans()
    session.show(document, "\n\n".join(map(_plan_text, document["items"])))


@plan.command("set")
@click.argument("plan_id", metavar="ID")
@click.option("--title", required=True, help="Its name for people.")
@click.option("--track", required=True, type=click.Choice(["standard", "expedited"]))
@click.option(
    "--goal",
    "goals",
    multiple=True,
    required=True,
    type=GoalType(),
    help="Time to a qualified answer, for each severity once: 1=2h:always:guaranteed or 4=60h:office:target "
    "(SEVERITY=TIME:CALENDAR:KIND). A target is internal and never promised.",
)
@click.option("--premium-incidents", type=Incidents(), default="0", show_default=True, help="For a contract year.")
@click.option("--costs-premium/--free", default=True, show_default=True, help="Whether a request uses one up.")
@click.option(
    "--needs-phone/--no-phone", default=False, show_default=True, help="Whether a call is needed outside office hours."
)
@click.option("--phone-number", help="Which number to call.")
@click.option("--office", default="office", show_default=True, help="The calendar of the office hours.")
@click.option("--group", default="analysts", show_default=True, help="The analysts whose cases these are.")
@api_command
def set_plan(session: Session, plan_id: str, goals: tuple[Goal, ...], **said: object) -> None:
    """Add the plan ID, or replace it: what is not said takes its default. It counts for submissions from now on."""
    if sorted(goal.severity for goal in goals) != list(_SEVERITIES):
        raise click.UsageError("Give --goal once for each severity, 1 to 4.")
    document = session.client.set_plan(plan_id, {**said, "goals": {goal.severity: goal.fields for goal in goals}})
    session.show(document, _plan_text(document))


def _plan_text(document: Document) -> str:
    incidents = "unlimited" if document["premium_incidents"] is None else document["premium_incidents"]
    cost = f"{incidents} premium incidents a year" if document["costs_premium"] else "costs no premium incidents"
    number = f" to {document['phone_number']}" if document["phone_number"] else ""
    phone = f"needs a call{number} outside the calendar {document['office']}" if document["needs_phone"] else "no calls"
    goals = [{"severity": severity, **document["goals"][severity]} for severity in _SEVERITIES]
    head = f"{document['id']}: {document['title']}, {document['track']} track, group {document['group']}"
    return "\n".join([head, f"  {cost}; {phone}", *goal_lines(goals)])


@click.group()
def calendar() -> None:
    """When time counts: hours, holidays, exceptions."""


@calendar.command("show")
@click.argument("calendar_id", metavar="ID")
@api_command
def show_calendar(session: Session, calendar_id: str) -> None:
    """Show the calendar as it is in force, with the holidays that were copied into it."""
    document = session.client.calendar(calendar_id)
    session.show(document, _calendar_text(document))


@calendar.command("set")
@click.argument("calendar_id", metavar="ID")
@click.option("--zone", "time_zone", required=True, help="Such as Europe/Berlin.")
@click.option("--hours", required=True, help="Such as `Mon-Fri 09:00-13:00 14:00-18:00; Sat 10:00-12:00`, or 24x7.")
@click.option("--region", help="Whose public holidays are closed, such as US or DE-BE; needs --years.")
@click.option("--years", type=Years(), help="For which years they are copied in, such as 2026-2028.")
@click.option(
    "--holiday",
    "holidays",
    multiple=True,
    type=DAY,
    metavar="DAY",
    help="One more day that is closed; can be repeated.",
)
@click.option("--exceptions", default="", help="Such as `2026-12-24 closed; 2026-12-31 09:00-12:00`.")
@api_command
def set_calendar(
    session: Session,
    calendar_id: str,
    region: str | None,
    years: list[int] | None,
    holidays: tuple[datetime, ...],
    **said: str,
) -> None:
    """Add the calendar ID, or replace it: what is not said is gone. Open submissions are counted anew by it."""
    if (region is None) != (years is None):
        raise click.UsageError("--region and --years belong together.")
    days = [day.date().isoformat() for day in holidays]
    body: dict[str, Any] = {**said, "region": region, "years": years or [], "holidays": days}
    document = session.client.set_calendar(calendar_id, body)
    session.show(document, f"{_calendar_text(document)}\n{_moved_text(document['submissions_moved'])}")


def _moved_text(count: int) -> str:
    return f"{count} open submission{' is' if count == 1 else 's are'} counted by it from now on."


def _calendar_text(document: Document) -> str:
    lines = [
        ("Calendar", f"{document['calendar_id']}, revision {document['revision']}"),
        ("Time zone", document["time_zone"]),
        ("Hours", document["hours"]),
        ("Region", document["region"] or "-"),
        ("Holidays", ", ".join(document["holidays"]) or "-"),
        ("Worked instead", ", ".join(document["extra_workdays"]) or "-"),
        ("Exceptions", document["exceptions"] or "-"),
    ]
    return aligned(lines)


@click.group()
def group() -> None:
    """The analyst groups; which plans go to one is said in the plans."""


@group.command("list")
@api_command
def list_groups(session: Session) -> None:
    """List the groups with their members."""
    document = session.client.groups()
    rows = [
        [row["id"], row["title"], row["on_call_email"] or "-", row["on_call_url"] or "-", _members(row)]
        for row in document["items"]
    ]
    session.show(document, table(["ID", "TITLE", "ON-CALL E-MAIL", "ON-CALL URL", "MEMBERS"], rows))


def _members(row: Document) -> str:
    return ", ".join(f"{each['name']} ({each['id']})" for each in row["people"])


@group.command("set")
@click.argument("group_id", metavar="ID")
@click.option("--title", required=True, help="Its name for people.")
@click.option("--on-call-email", help="Where its on-call is warned by e-mail that an answer gets late.")
@click.option("--on-call-url", help="The same by webhook, signed; its secret is shown this once.")
@api_command
def set_group(session: Session, group_id: str, **said: str) -> None:
    """Add the group ID, or replace it: what is not said is gone. Its members stay."""
    document = session.client.set_group(group_id, **said)
    told = f"\nSecret: {document['on_call_secret']}" if document["on_call_secret"] else ""
    session.show(document, f"Group {group_id}: {document['title']}{told}")


@group.command("join")
@click.argument("group_id", metavar="ID")
@click.argument("person_id", metavar="PERSON")
@api_command
def join_group(session: Session, group_id: str, person_id: str) -> None:
    """Have PERSON work on the group's cases."""
    session.show(session.client.join_group(group_id, person_id), f"{person_id} works in {group_id}.")


@group.command("leave")
@click.argument("group_id", metavar="ID")
@click.argument("person_id", metavar="PERSON")
@api_command
def leave_group(session: Session, group_id: str, person_id: str) -> None:
    """Have PERSON work on the group's cases no more; what they hold they keep."""
    session.show(session.client.leave_group(group_id, person_id), f"{person_id} does not work in {group_id}.")


COMMANDS = (contract, plan, calendar, group)
