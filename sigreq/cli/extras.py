"""Extras: what is laid over a published database for a while."""

import click

from sigreq.cli.gates import gate_text, wait_for_gate
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, aligned, moment, table, who


@click.group()
def extra() -> None:
    """Small additions to the newest database that are out at once and end by themselves."""


@extra.command("list")
@click.argument("product")
@api_command
def list_extras(session: Session, product: str) -> None:
    """List what is in force on the newest database of PRODUCT."""
    document = session.client.extras(product)
    rows = [[each["id"], each["kind"], _adds(each), moment(each["expires_at"])] for each in document["items"]]
    nothing = f"Nothing is in force on {document['base_version'] or product}."
    session.show(document, table(["ID", "KIND", "ADDS", "UNTIL"], rows) if rows else nothing)


@extra.command()
@click.argument("product")
@click.argument("change_id", metavar="CHANGE")
@click.option("--base", "base_version", help="The database it was tested on. [default: the newest]")
@click.option("--hours", type=click.IntRange(1, 336), default=24, show_default=True, help="Until it ends by itself.")
@api_command
def publish(session: Session, product: str, change_id: str, base_version: str | None, hours: int) -> None:
    """Put an approved, expedited CHANGE in force on the newest database of PRODUCT at once, until the next is out."""
    base = base_version or session.client.extras(product)["base_version"]
    show_extra(session, session.client.publish_extra(change_id, base, hours))


@extra.command()
@click.argument("change_id", metavar="CHANGE")
@click.option("--wait", is_flag=True, help="Wait for the result.")
@api_command
def test(session: Session, change_id: str, *, wait: bool) -> None:
    """Test an approved CHANGE once more, where its pass does not hold any more."""
    document = session.client.test_extra(change_id)
    if wait:
        document = wait_for_gate(session, document["id"])
    session.show(document, gate_text(document))


@extra.command()
@click.argument("extra_id", metavar="EXTRA")
@api_command
def end(session: Session, extra_id: str) -> None:
    """Take an EXTRA back; its change waits for the next database as before."""
    show_extra(session, session.client.end_extra(extra_id))


def show_extra(session: Session, document: Document) -> None:
    """Where an extra or relief stands."""
    session.show(document, _extra_text(document))


_WHO = {"proposed_by": "Proposed by", "approved_by": "Approved by", "ended_by": "Ended by"}


def _extra_text(document: Document) -> str:
    state = f"{document['state']} ({document['ending']})" if document["ending"] else document["state"]
    return aligned(
        [
            ("Extra", document["id"]),
            ("State", state),
            *([("Of", document["submission_id"])] if document["submission_id"] else []),
            *([("On", f"{document['product']} {document['base_version']}")] if document["base_version"] else []),
            ("Adds", f"{document['kind']}: {_adds(document)}"),
            *([("Ends", moment(document["expires_at"]))] if document["expires_at"] else []),
            *((title, who(document, name)) for name, title in _WHO.items() if document.get(name)),
        ]
    )


def _adds(document: Document) -> str:
    added = document["additions"]
    hashes = [f"{sha256} as {name}" for sha256, name in added["hashes"].items()]
    return ", ".join([*added["rules"], *added["allowed"], *hashes])
