"""Interim relief: proposed by an analyst, approved by a lead, taken back by either."""

import click

from sigreq.cli.extras import show_extra
from sigreq.cli.options import Session, api_command
from sigreq.cli.revisions import decided, revision_option


@click.command("relief")
@click.argument("submission_id", metavar="ID")
@click.argument("reason")
@click.option("--sha256", help="The file. [default: the only one that was sent]")
@click.option("--name", help="What to detect it as, for a false negative. [default: Relief_ and a part of its hash]")
@click.option("--hours", type=click.IntRange(1, 336), default=72, show_default=True, help="Until it ends by itself.")
@revision_option
@api_command
def propose(
    session: Session,
    submission_id: str,
    reason: str,
    revision: int | None,
    sha256: str | None,
    name: str | None,
    hours: int,
) -> None:
    """Propose that one file of a submission is allowed, or detected, until the fix is out.

    It comes into force once a lead who did not propose it approves; what is known as malware is never allowed.
    """
    client = session.client
    document = decided(client.submission, client.propose_relief, submission_id, revision, reason, sha256, name, hours)
    show_extra(session, document)


@click.command("approve-relief")
@click.argument("extra_id", metavar="EXTRA")
@api_command
def approve(session: Session, extra_id: str) -> None:
    """Put proposed relief in force; the customer is told."""
    show_extra(session, session.client.approve_relief(extra_id))


@click.command("end-relief")
@click.argument("extra_id", metavar="EXTRA")
@api_command
def end(session: Session, extra_id: str) -> None:
    """Take relief back, or drop a proposal."""
    show_extra(session, session.client.end_extra(extra_id))


COMMANDS = (propose, approve, end)
