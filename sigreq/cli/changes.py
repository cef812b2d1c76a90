"""Writing, testing and approving signature changes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from sigreq.cli.gates import change_text, gate_text, wait_for_gate
from sigreq.cli.kinds import FILE_THERE
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, table, who
from sigreq.cli.revisions import decided, revision_option
from sigreq.domain.ruleset import pin_of

KINDS = ("rule_add", "rule_modify", "sig_disable", "sig_retire", "hash_add", "hash_allow", "rename")

_content_options = (
    click.option(
        "--source",
        type=FILE_THERE,
        help="The rule's file, for rule_add and rule_modify.",
    ),
    click.option("--rule", help="The rule's name. [default: the file's name without its ending]"),
    click.option("--sha256", help="The file, for hash_add and hash_allow."),
    click.option("--name", help="What to detect the file as, for hash_add."),
    click.option("--signature", help="The signature, for sig_disable, sig_retire and rename."),
    click.option("--to", help="Its new name, for rename."),
)


def _content_command(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_content_options):
        command = option(command)
    return command


def _payload(kind: str, said: Mapping[str, Any], source_of: Callable[[str], str]) -> dict[str, Any]:
    """What the options say; `source_of` reads the rule that is to be disabled, so that this very one is meant."""
    wanted = {
        "rule_add": ("source",),
        "rule_modify": ("source",),
        "sig_disable": ("signature",),
        "sig_retire": ("signature",),
        "hash_add": ("sha256", "name"),
        "hash_allow": ("sha256",),
        "rename": ("signature", "to"),
    }[kind]
    missing = [f"--{name}" for name in wanted if said[name] is None]
    if missing:
        raise click.UsageError(f"{kind} needs {' and '.join(missing)}.")
    if kind.startswith("rule_"):
        return {"rule": said["rule"] or said["source"].stem, "source": said["source"].read_text()}
    payload = {name: said[name] for name in wanted}
    if kind == "sig_disable":
        payload["pin"] = pin_of(source_of(said["signature"]))
    return payload


def _published_source(session: Session, product: str, name: str) -> str:
    """The rule of this name in the newest version."""
    live = [row for row in session.client.releases(product)["items"] if row["withdrawn_at"] is None]
    rules = session.client.ruleset(product, live[0]["version"])["rules"] if live else {}
    if name not in rules:
        raise click.UsageError(f"{product} has no rule {name} in its newest version.")
    source: str = rules[name]
    return source


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
    names = ("id", "rev", "state", "kind", "product", "track")
    rows = [[*(item[name] for name in names), who(item, "written_by")] for item in document["items"]]
    headers = [*(name.upper() for name in names), "WRITTEN BY"]
    session.show(document, table(headers, rows) if rows else "Nothing here.")


@click.command()
@click.argument("submission_ids", metavar="SUBMISSION...", nargs=-1, required=True)
@click.option("--kind", required=True, type=click.Choice(KINDS))
@_content_command
@api_command
def draft(session: Session, submission_ids: tuple[str, ...], kind: str, **said: Any) -> None:
    """Write a change that helps these submissions."""

    def source_of(name: str) -> str:
        return _published_source(session, session.client.submission(submission_ids[0])["product"], name)

    _show(session, session.client.draft_change(submission_ids, kind, _payload(kind, said, source_of)))


@click.command()
@click.argument("change_id", metavar="CHANGE")
@_content_command
@revision_option
@api_command
def revise(session: Session, change_id: str, revision: int | None, **said: Any) -> None:
    """Give a change other content; it has to be tested again. What you do not name stays as it is."""
    present = session.client.change(change_id)
    # A rule's file is always given anew; everything else may stay.
    said = {name: said[name] if said[name] is not None else present["payload"].get(name) for name in said}
    if present["kind"].startswith("rule_") and not isinstance(said["source"], Path):
        raise click.UsageError(f"{present['kind']} needs --source.")
    payload = _payload(present["kind"], said, lambda name: _published_source(session, present["product"], name))
    _decide(session, session.client.revise_change, change_id, revision, payload)


@click.command("test")
@click.argument("change_id", metavar="CHANGE")
@click.option("--wait", is_flag=True, help="Stay until it is done; exit code 1 when the change did not pass.")
@revision_option
@api_command
def start_test(session: Session, change_id: str, revision: int | None, *, wait: bool) -> None:
    """Send a change through the gate: lint, the customers' own files, every solved case, and the clean corpus."""
    document = decided(session.client.change, session.client.test_change, change_id, revision)
    if wait:
        wait_for_gate(session, document["gate"])
        document = session.client.change(change_id)
    _show(session, document)
    if wait and document["state"] == "gate_failed":
        raise SystemExit(1)


@click.command("gate")
@click.argument("run_id", metavar="RUN")
@click.option("--wait", is_flag=True, help="Stay until it is done; exit code 1 when it did not pass.")
@api_command
def show_gate(session: Session, run_id: str, *, wait: bool) -> None:
    """Show a run of the gate: how far it is, what was scanned, and what is wrong."""
    run = wait_for_gate(session, run_id) if wait else session.client.gate(run_id)
    session.show(run, gate_text(run))
    if wait and run["state"] == "failed":
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


COMMANDS = (list_changes, draft, revise, start_test, show_gate, approve, reject, withdraw)
