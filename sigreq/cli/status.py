"""Looking: one submission, many, the queue."""

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import event_text, next_step, queue_table, submission_table, submission_text
from sigreq.cli.watch import follow as follow_events


@click.command()
@click.argument("submission_id", metavar="ID")
@click.option(
    "--follow", is_flag=True, help="Stay, and print each event as it happens, until the submission is closed."
)
@api_command
def status(session: Session, submission_id: str, *, follow: bool) -> None:
    """Show where a submission stands, and what happened to it. With --follow --json each line is one event."""
    if follow:
        follow_events(session, submission_id)
        return
    document = session.client.submission(submission_id)
    events = session.client.timeline(submission_id)["items"]
    story = "\n".join(map(event_text, events))
    session.show(document | {"timeline": events}, f"{submission_text(document)}\n\n{story}\n\n{next_step(document)}")


@click.command("list")
@click.option("--state", help="Only those that stand there, such as queued or awaiting_customer.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@api_command
def list_submissions(session: Session, state: str | None, limit: int) -> None:
    """List submissions, newest first."""
    page = session.client.submissions(state=state, limit=min(limit, 100))
    items = page["items"]
    while page["next_cursor"] is not None and len(items) < limit:
        page = session.client.submissions(state=state, cursor=page["next_cursor"], limit=min(limit - len(items), 100))
        items += page["items"]
    session.show({"items": items}, submission_table(items))


@click.command()
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@api_command
def queue(session: Session, limit: int) -> None:
    """List what waits, in the order in which it will be taken; time left is hours and minutes, minus when late."""
    document = session.client.queue(limit)
    session.show(document, queue_table(document["items"]))
