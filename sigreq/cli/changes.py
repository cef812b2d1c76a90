"""Writing, testing and approving signature changes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, change_text, table
from sigreq.cli.revisions import decided, revision_option

POLL_SECONDS = 1.0

_source_option = click.option(
    "--source", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The rule's file, for rule_*."
)
_rule_option = click.option("--rule", help="The rule's name. [default: the file's name without its ending]")
_sha256_option = click.option("--sha256", help="The file that is never detected, for hash_allow.")


def _payload(kind: str, *, source: Path | None, rule: str | None, sha256: str | None) -> dict[str, Any]:
    if kind == "hash_allow":
        if sha256 is None:
            raise click.UsageError("hash_allow needs --sha256.")
        return {"sha256": sha256}
    if source is None:
        raise click.UsageError(f"{kind} needs --source.")
    return {"rule": rule or source.stem, "source": source.read_text()}


def _show(session: Session, document: Document) -> None:
    session.show(document, change_text(document))


def _decide(session: Session, write: Callable[..., Document], change_id: str, seen: int | None, *said: Any) -> None:
    _show(session, decided(session.client.change, write, change_id, seen, *said))


@click.command("changes")
@click.option("--state", help="Only those that stand there, such as tested or approved.")
@api_command
def list_changes(session: Session, state: str | None) -> None:
    """List signature changes, newest first."""
    document = session.client.changes(state)
    names = ("id", "rev", "state", "kind", "product", "track", "written_by")
    rows = [[item[name] for name in names] for item in document["items"]]
    session.show(document, table([name.upper() for name in names], rows) if rows else "Nothing here.")


@click.command()
@click.argument("submission_ids", metavar="SUBMISSION...", nargs=-1, required=True)
@click.option("--kind", required=True, type=click.Choice(["rule_add", "rule_modify", "hash_allow"]))
@_source_option
@_rule_option
@_sha256_option
@api_command
def draft(session: Session, submission_ids: tuple[str, ...], kind: str, **content: Any) -> None:
    """Write a change that helps these submissions."""
    _show(session, session.client.draft_change(submission_ids, kind, _payload(kind, **content)))


@click.command()
@click.argument("change_id", metavar="CHANGE")
@_source_option
@_rule_option
@_sha256_option
@revision_option
@api_command
def revise(session: Session, change_id: str, revision: int | None, **content: Any) -> None:
    """Give a change other content; it has to be tested again. The rule keeps its name unless you give another."""
    present = session.client.change(change_id)
    content["rule"] = content["rule"] or present["payload"].get("rule")
    payload = _payload(present["kind"], **content)
    _decide(session, session.client.revise_change, change_id, revision, payload)


@click.command("test")
@click.argument("change_id", metavar="CHANGE")
@click.option("--wait", is_flag=True, help="Stay until it is done; exit code 1 when the change did not pass.")
@revision_option
@api_command
def start_test(session: Session, change_id: str, revision: int | None, *, wait: bool) -> None:
    """Test a change: does it compile, and does it do to the customers' own files what it should?"""
    document = decided(session.client.change, session.client.test_change, change_id, revision)
    while wait and document["state"] == "testing":
        time.sleep(POLL_SECONDS)
        document = session.client.change(change_id)
    _show(session, document)
    if wait and document["state"] == "gate_failed":
        raise SystemExit(1)


@click.command()
@click.argument("change_id", metavar="CHANGE")
@revision_option
@api_command
def approve(session: Session, change_id: str, revision: int | None) -> None:
    """Release a tested change to the feed; who wrote it cannot."""
    _decide(session, session.client.approve_change, change_id, revision)


@click.command()
@click.argument("change_id", metavar="CHANGE")
@click.argument("reason")
@revision_option
@api_command
def reject(session: Session, change_id: str, reason: str, revision: int | None) -> None:
    """Send a tested change back to who wrote it."""
    _decide(session, session.client.reject_change, change_id, revision, reason)


@click.command()
@click.argument("change_id", metavar="CHANGE")
@click.argument("reason")
@revision_option
@api_command
def withdraw(session: Session, change_id: str, reason: str, revision: int | None) -> None:
    """Take a change out of what will be released."""
    _decide(session, session.client.withdraw_change, change_id, revision, reason)


COMMANDS = (list_changes, draft, revise, start_test, approve, reject, withdraw)
