"""What a customer says about a submission of theirs."""

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, next_step, submission_text


def _show(session: Session, document: Document) -> None:
    session.show(document, f"{submission_text(document)}\n\n{next_step(document)}")


@click.command()
@click.argument("submission_id", metavar="ID")
@click.argument("message")
@api_command
def reply(session: Session, submission_id: str, message: str) -> None:
    """Answer the analyst's question, or add something."""
    _show(session, session.client.reply(submission_id, message))


@click.command()
@click.argument("submission_id", metavar="ID")
@api_command
def confirm(session: Session, submission_id: str) -> None:
    """Say that the published fix works, which closes the submission."""
    _show(session, session.client.confirm(submission_id))


@click.command("still-happens")
@click.argument("submission_id", metavar="ID")
@click.argument("message")
@api_command
def still_happens(session: Session, submission_id: str, message: str) -> None:
    """Say that the published fix does not work; another analyst will look."""
    _show(session, session.client.still_happens(submission_id, message))


@click.command()
@click.argument("submission_id", metavar="ID")
@click.argument("message")
@api_command
def dispute(session: Session, submission_id: str, message: str) -> None:
    """Ask for a second opinion; another analyst will look."""
    _show(session, session.client.dispute(submission_id, message))


@click.command()
@click.argument("submission_id", metavar="ID")
@click.option("--reason")
@api_command
def withdraw(session: Session, submission_id: str, reason: str | None) -> None:
    """Take a submission back."""
    _show(session, session.client.withdraw(submission_id, reason))
