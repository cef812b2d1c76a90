"""Handing in: is the database the latest, then the files."""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import moment, next_step, submission_text
from sigreq_client import ApiUnreachable

if TYPE_CHECKING:
    from sigreq_client.upload import Progress

POLL_SECONDS = 1.0

_DETAILS = {
    "software_name": "The program concerned.",
    "software_version": "Its version.",
    "publisher": "Who makes it.",
    "purpose": "What it is for.",
    "observed_behaviour": "What you saw.",
    "arrived_how": "How the file came to you.",
    "detecting_component": "The part of the product that detects it.",
    "operating_system": "Where it runs.",
    "business_justification": "What it keeps you from doing, up to 2000 characters.",
    "customer_reference": "Your own ticket number.",
    "prior_submission": "An earlier submission about the same.",
}
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


def _details(command: Callable[..., None]) -> Callable[..., None]:
    for name, help_text in reversed(_DETAILS.items()):
        command = click.option(f"--{name.replace('_', '-')}", help=help_text)(command)
    return command


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", required=True, type=click.Choice(["false_positive", "false_negative"]))
@click.option("--product", required=True, help="The product's short name.")
@click.option("--product-version", required=True)
@click.option("--database-version", required=True, help="The signature database's version, as the product shows it.")
@click.option(
    "--severity", required=True, type=click.IntRange(1, 4), help="1: work is interrupted ... 4: no effect on function."
)
@click.option("--contact", required=True, envvar="SIGREQ_CONTACT", show_envvar=True, help="Whom to ask: an address.")
@click.option("--detection-name", help="What the product calls the detection; needed for a false positive.")
@click.option(
    "--expected-verdict",
    type=click.Choice(["clean", "malware", "pua", "unknown"]),
    help="What you take the file for. [default: clean for a false positive, else malware]",
)
@click.option("--archive-password", help="Opens the archives among the files.")
@click.option("--sha256", multiple=True, help="A hash you hold of a file, as HASH or NAME=HASH; the server compares.")
@_details
@click.option("--hosts-affected", type=click.IntRange(min=0), help="How many machines.")
@click.option("--is-production/--is-not-production", default=None, help="Whether they do productive work.")
@click.option(
    "--quarantined/--not-quarantined", "is_quarantined", default=None, help="Whether the file was locked away."
)
@click.option("--is-publisher/--is-not-publisher", default=None, help="Whether the program is your own.")
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
        with _progress() as on_progress:
            document = session.client.submit(_claim(fields), files, key, on_progress)
    except ApiUnreachable as error:
        error.add_note(f"To try again without a second submission, add: --idempotency-key {key}")
        raise
    while wait and document["state"] in {"received", "screening"}:
        time.sleep(POLL_SECONDS)
        document = session.client.submission(document["id"])
    joined = "\nThis joins an earlier submission of the same files." if document.get("is_joined") else ""
    session.show(document, f"{submission_text(document)}{joined}\n\n{next_step(document)}")


def _refuse_old_database(session: Session, document: dict[str, Any]) -> None:
    if document["is_accepted"]:
        return
    code, text = _REFUSALS[document["verdict"]]
    facts = document | {"latest_published_at": moment(document["latest_published_at"])}
    detail = f"{text.format(**facts)} {document['update_instructions'] or ''}".strip()
    session.fail(f"{detail} [{code}]", {"code": code, "detail": detail, **document})


def _claim(fields: dict[str, object]) -> dict[str, Any]:
    """The submission's JSON, without what was not said."""
    said = {name: value for name, value in fields.items() if value not in (None, ())}
    names = {*_DETAILS, "hosts_affected", "is_production", "is_quarantined", "is_publisher"}
    claim = {name: value for name, value in said.items() if name not in names | {"sha256"}}
    claim.setdefault("expected_verdict", "clean" if said["kind"] == "false_positive" else "malware")
    claim["details"] = {name: value for name, value in said.items() if name in names}
    stated = said.get("sha256", ())
    assert isinstance(stated, tuple)  # noqa: S101 -- click's multiple=True
    if stated:
        claim["hashes"] = [_stated_hash(text) for text in stated]
    return claim


def _stated_hash(text: str) -> dict[str, str]:
    name, _, sha256 = text.rpartition("=")
    return {"name": name, "sha256": sha256} if name else {"sha256": sha256}


@contextmanager
def _progress() -> "Iterator[Progress | None]":
    """A bar on stderr while somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="Sending", file=sys.stderr) as bar:

        def on_progress(sent: int, total: int) -> None:
            bar.length = total
            bar.update(sent - bar.pos)

        yield on_progress
