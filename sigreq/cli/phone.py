"""Phone calls: noted on a submission, or the beginning of one."""

from datetime import datetime

import click

from sigreq.cli.claim import claim_of, claim_options
from sigreq.cli.kinds import Moment
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import moment, submission_text
from sigreq.cli.revisions import decided, revision_option


@click.command("phone-call")
@click.argument("submission_id", metavar="ID")
@click.option("--at", type=Moment(), help="When the customer called, such as 2026-11-21T10:32:00Z. [default: now]")
@click.option("--note", help="What was said, for the customer and the record.")
@revision_option
@api_command
def phone_call(
    session: Session, submission_id: str, at: datetime | None, note: str | None, revision: int | None
) -> None:
    """Note a call of the customer, which outside business hours can start their answer clock."""
    document = decided(session.client.submission, session.client.log_call, submission_id, revision, at, note)
    session.show(document, submission_text(document))


@click.command("phone-request")
@click.argument("organisation")
@claim_options
@click.option("--contact", required=True, help="Whom to ask: an address.")
@click.option("--called-at", type=Moment(), help="When they called, such as 2026-11-21T10:32:00Z. [default: now]")
@click.option(
    "--valid-hours", type=click.IntRange(1, 168), default=24, show_default=True, help="How long the link is good."
)
@api_command
def phone_request(
    session: Session, organisation: str, called_at: datetime | None, valid_hours: int, **fields: object
) -> None:
    """Take a request by phone from ORGANISATION. The link that is printed, once, is for the customer to send the file.

    The database version is checked now: ask the caller for it, exactly as the product shows it.
    """
    made = session.client.take_phone_request(organisation, claim_of(fields), called_at, valid_hours)
    link = f"{session.url.rstrip('/')}{made['upload']}"
    lines = [
        f"Phone request {made['id']}. The customer's link, good for one upload until {moment(made['expires_at'])}:",
        f"  {link}",
        "They open no account and need no key:",
        f"  sigreq upload {link} FILE...",
    ]
    session.show({**made, "link": link}, "\n".join(lines))


COMMANDS = (phone_call, phone_request)
