"""Handing in: is the database the latest, then the files."""

import secrets
import time
from pathlib import Path
from typing import Any

import click

from sigreq.cli.claim import claim_of, claim_options
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import moment, next_step, submission_text
from sigreq.cli.upload import files_argument, joined_text, progress
from sigreq_client import ApiUnreachable

POLL_SECONDS = 1.0

_REFUSALS = {
    "outdated": (
        "database_outdated",
        "Database version {claimed} of {product} is not the latest: {latest} is, published {latest_published_at}.",
    ),
    "withdrawn": (
        "database_withdrawn",
        "Database version {claimed} of {product} was withdrawn; the latest is {latest}.",
    ),
    "unknown_older": (
        "database_version_unknown",
        "Database version {claimed} of {product} was never published; the latest is {latest}.",
    ),
    "unparseable": (
        "database_version_unreadable",
        "{claimed} is not a database version of {product}. Copy it exactly as the product shows it.",
    ),
    "no_database": ("database_missing", "{claimed} says that {product} runs without a database."),
}
"""The server refuses with the same codes."""


@click.command()
@click.argument("product")
@click.argument("version")
@api_command
def check(session: Session, product: str, version: str) -> None:
    """Ask whether VERSION of PRODUCT's database is the latest; exit code 1 when submissions on it are refused."""
    document = session.client.check_database(product, version)
    _refuse_old_database(session, document)
    session.show(document, f"Accepted ({document['verdict']}); the latest is {document['latest']}.")


@click.command()
@files_argument
@claim_options
@click.option("--contact", required=True, envvar="SIGREQ_CONTACT", show_envvar=True, help="Whom to ask: an address.")
@click.option("--idempotency-key", help="Take the key of a broken attempt to repeat it without a second submission.")
@click.option("--wait", is_flag=True, help="Stay until screening is done.")
@api_command
def submit(
    session: Session, files: tuple[Path, ...], idempotency_key: str | None, *, wait: bool, **fields: object
) -> None:
    """Hand in FILES, one claim for all of them. The database version is checked before a byte of a file leaves."""
    _refuse_old_database(
        session, session.client.check_database(str(fields["product"]), str(fields["database_version"]))
    )
    key = idempotency_key or secrets.token_hex(16)
    try:
        with progress() as on_progress:
            document = session.client.submit(claim_of(fields), files, key, on_progress)
    except ApiUnreachable as error:
        error.add_note(f"To try again without a second submission, add: --idempotency-key {key}")
        raise
    while wait and document["state"] in {"received", "screening"}:
        time.sleep(POLL_SECONDS)
        document = session.client.submission(document["id"])
    session.show(document, f"{submission_text(document)}{joined_text(document)}\n\n{next_step(document)}")


def _refuse_old_database(session: Session, document: dict[str, Any]) -> None:
    if document["is_accepted"]:
        return
    code, text = _REFUSALS[document["verdict"]]
    facts = document | {"latest_published_at": moment(document["latest_published_at"])}
    detail = f"{text.format(**facts)} {document['update_instructions'] or ''}".strip()
    session.fail(f"{detail} [{code}]", {"code": code, "detail": detail, **document})
