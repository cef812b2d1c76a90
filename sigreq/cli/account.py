"""`sigreq account`, `contact`, `webhook`: who you are, what you were promised, where you are told."""

from collections.abc import Iterator

import click

from sigreq.cli.kinds import LANGUAGES
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, goal_lines, moment


@click.command()
@api_command
def account(session: Session) -> None:
    """Show your organisation, its plan and goals, its contract, and how many premium incidents are left."""
    found = session.client.account()
    session.show(found, "\n".join(_account_lines(found)))


def _account_lines(found: Document) -> Iterator[str]:
    yield f"{found['person']} ({found['role']})"
    if found["plan"] is None:
        return
    yield f"{found['organisation']['name']}: {found['plan']['title']}, track {found['plan']['track']}"
    yield from goal_lines(found["plan"]["goals"])
    if found["contract"] is not None:
        yield from _contract_lines(found["contract"])
    if found["phone_number"] is not None:
        yield f"phone: {found['phone_number']}"
    if found["webhook"] is not None:
        yield f"webhook: {found['webhook']['url']}{' (disabled)' if found['webhook']['is_disabled'] else ''}"


def _contract_lines(contract: Document) -> Iterator[str]:
    end = "open-ended" if contract["ends_at"] is None else f"until {moment(contract['ends_at'])}"
    yield f"contract: {contract['id']}, from {moment(contract['starts_at'])}, {end}"
    yield f"  contract year: {moment(contract['year_starts_at'])} to {moment(contract['year_ends_at'])}"
    incidents = contract["premium_incidents"]
    counts = f"{incidents['used']} used, {incidents['reserved']} reserved"
    left = "unlimited" if incidents["limit"] is None else f"{incidents['left']} of {incidents['limit']} left"
    yield f"  premium incidents: {counts}, {left}"


@click.command()
@click.argument("email", required=False)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the mail.")
@click.option("--off", is_flag=True, help="Be written to no more.")
@api_command
def contact(session: Session, email: str | None, language: str, *, off: bool) -> None:
    """Have each event of your submissions written to EMAIL."""
    if off == (email is not None):
        raise click.UsageError("Give an e-mail address, or --off.")
    document = session.client.set_contact(email, language)
    session.show(document, "No more mail." if off else f"Mail goes to {document['email']} ({document['language']}).")


@click.command()
@click.argument("address", required=False)
@click.option("--off", is_flag=True, help="Be told no more.")
@api_command
def webhook(session: Session, address: str | None, *, off: bool) -> None:
    """Have every public event sent to ADDRESS, signed (Standard Webhooks). The secret is shown this once."""
    if off == (address is not None):
        raise click.UsageError("Give an address, or --off.")
    if address is None:
        session.client.delete_webhook()
        session.show({}, "No more webhooks.")
        return
    made = session.client.set_webhook(address)
    session.show(made, f"Events go to {made['url']}\nSecret: {made['secret']}")
