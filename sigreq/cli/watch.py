"""Staying with what happens, on the streams of events."""

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, event_text, queue_table


@click.command()
@click.argument("submission_id", metavar="[ID]", required=False)
@click.option("--queue", "is_queue", is_flag=True, help="Watch the queue instead of a submission; for staff.")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many cases of the queue are shown."
)
@api_command
def watch(session: Session, submission_id: str | None, *, is_queue: bool, limit: int) -> None:
    """Print each event of a submission as it happens, until it is closed; or the queue whenever it has changed.

    With --json each line is one document. Restarts of the server are waited for. Ctrl-C ends it.
    """
    if is_queue == bool(submission_id):
        raise click.UsageError("Name a submission, or give --queue.")
    try:
        if submission_id:
            follow(session, submission_id)
        else:
            _watch_queue(session, limit)
    except KeyboardInterrupt:
        return


def follow(session: Session, submission_id: str) -> None:
    """Print events until the submission is closed; a server that is not there at the start is not waited for."""
    session.client.submission(submission_id)
    for event in session.client.watch(submission_id):
        session.show(event, _text(event))


def _text(event: Document) -> str:
    return "reset: the server tells everything anew" if event["name"] == "reset" else event_text(event)


def _watch_queue(session: Session, limit: int) -> None:
    session.client.queue(limit)
    for document in session.client.watch_queue(limit):
        session.show(document, f"{queue_table(document['items'])}\n")
