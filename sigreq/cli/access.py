"""`sigreq key` and `sigreq delivery`: what a customer's programs need, in the customer's own hands."""

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, moment, table


@click.group()
def key() -> None:
    """Your organisation's API keys."""


@key.command("list")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--cursor", help="`next_cursor` of the page before.")
@api_command
def list_keys(session: Session, limit: int, cursor: str | None) -> None:
    """List the keys, those that work first, without what opens anything."""
    document = session.client.keys(cursor, limit)
    rows = [_key_row(each) for each in document["items"]]
    session.show(
        document, table(["ID", "TITLE", "BEGINS WITH", "PERSON", "CREATED", "REVOKED"], rows) + _more(document)
    )


def _more(document: Document) -> str:
    """How to read on, where there is more."""
    cursor = document["next_cursor"]
    return f"\n\nThere are more: --cursor {cursor}" if cursor else ""


def _key_row(each: Document) -> list[str]:
    title, revoked = each["title"] or "-", moment(each["revoked_at"])
    return [each["id"], title, each["begins_with"], each["person"], moment(each["created_at"]), revoked]


@key.command("add")
@click.argument("title")
@api_command
def add_key(session: Session, title: str) -> None:
    """Make another key for yourself; TITLE says what it is for. The key is shown this once."""
    document = session.client.add_own_key(title)
    session.show(document, document["key"])


@key.command("revoke")
@click.argument("key_id", metavar="ID")
@api_command
def revoke_key(session: Session, key_id: str) -> None:
    """Make a key of your organisation useless at once."""
    session.client.revoke_own_key(key_id)
    session.show({}, f"{key_id} is revoked.")


@click.group()
def delivery() -> None:
    """What was sent to your organisation's webhook."""


@delivery.command("list")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--cursor", help="`next_cursor` of the page before.")
@api_command
def list_deliveries(session: Session, limit: int, cursor: str | None) -> None:
    """List messages, newest first, with what the receiver answered last."""
    document = session.client.deliveries(cursor, limit)
    rows = [_delivery_row(each) for each in document["items"]]
    heads = ["ID", "AT", "TYPE", "SUBMISSION", "STATE", "TRIES", "ANSWER", "NEXT TRY"]
    session.show(document, table(heads, rows) + _more(document) if rows else "Nothing was sent yet.")


def _delivery_row(each: Document) -> list[object]:
    about = [each["id"], moment(each["created_at"]), each["type"], each["submission_id"] or "-"]
    return [*about, each["state"], each["attempts"], each["answer"] or "-", moment(each["next_try_at"])]


@delivery.command()
@api_command
def ping(session: Session) -> None:
    """Send a message about nothing, the way that all messages go."""
    document = session.client.ping_webhook()
    session.show(document, f"On its way: {document['delivery']}")


@delivery.command()
@click.argument("delivery_id", metavar="ID")
@api_command
def again(session: Session, delivery_id: str) -> None:
    """Send a message once more, under the same id; one that waits for its next try is tried now."""
    document = session.client.send_again(delivery_id)
    session.show(document, f"On its way: {document['delivery']}")
