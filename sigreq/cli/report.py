"""`sigreq report`: how well the promised answer times were kept."""

from datetime import date, datetime
from io import BytesIO

import click

from sigreq.cli.kinds import DAY
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, hours_and_minutes, moment, table

_HEADERS = (
    *("PLAN", "SEVERITY", "MONTH", "MET", "MISSED"),
    *("ATTAINMENT", "NOT COUNTED", "RUNNING", "MEDIAN", "90 % WITHIN"),
)
_MISS_HEADERS = ("SUBMISSION", "PLAN", "SEVERITY", "DUE", "ANSWERED", "LATE", "REASON")


@click.command()
@click.option("--since", type=DAY, metavar="DAY", help="The first day, in UTC. [default: from the beginning]")
@click.option("--until", type=DAY, metavar="DAY", help="The day after the last one, in UTC. [default: tomorrow]")
@click.option("--csv", "is_csv", is_flag=True, help="Print the figures as CSV, without the single misses.")
@api_command
def report(session: Session, since: datetime | None, until: datetime | None, *, is_csv: bool) -> None:
    """Show which share of the guaranteed answers came in time, and each that did not with its reason.

    Counted by the month in which the time began to run. An answer that is owed after its due time is missed already.
    """
    days: tuple[date | None, date | None] = (since and since.date(), until and until.date())
    if not is_csv:
        document = session.client.attainment(*days)
        session.show(document, _text(document))
        return
    if session.is_json:
        raise click.UsageError("Give --csv or --json, not both.")
    found = BytesIO()
    session.client.attainment_csv(found, *days)
    click.echo(found.getvalue().decode(), nl=False)


def _text(document: Document) -> str:
    span = f"From {document['since']} to before {document['until']} (UTC)"
    if not document["lines"]:
        return f"{span}: no answer was promised."
    figures = table(_HEADERS, [_figures(line) for line in document["lines"]])
    missed = table(_MISS_HEADERS, [_miss(each) for each in document["misses"]]) if document["misses"] else "None."
    return f"{span}, promised answers:\n\n{figures}\n\nMissed:\n\n{missed}"


def _figures(line: Document) -> list[object]:
    names = ("plan", "severity", "month", "met", "missed")
    attainment = _share(line["met"], line["met"] + line["missed"])
    spans = (_hours(line["p50_hours"]), _hours(line["p90_hours"]))
    return [*(line[name] for name in names), attainment, line["not_counted"], line["running"], *spans]


def _share(met: int, counted: int) -> str:
    """Never rounded up: 100 % says that not one was missed."""
    return f"{met * 1000 // counted / 10:.1f} %" if counted else "-"


def _miss(each: Document) -> list[object]:
    names = ("submission_id", "plan", "severity")
    when = (moment(each["due_at"]), moment(each["answered_at"]), _hours(each["hours_late"]))
    return [*(each[name] for name in names), *when, each["reason"] or "-"]


def _hours(hours: float | None) -> str:
    return "-" if hours is None else hours_and_minutes(hours * 3600)
