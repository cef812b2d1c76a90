"""The reference release tool: from approved changes to a published database."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sigreq.cli.approvals import check_approvals
from sigreq.cli.bundle import root_option
from sigreq.cli.gates import gate_text, wait_for_gate
from sigreq.cli.options import Session, api_command
from sigreq.cli.train import Train, Waiting, couple, is_behind, next_version
from sigreq.domain.ruleset import Ruleset
from sigreq_client import ApiError, ApiUnreachable

HTTP_CONFLICT, HTTP_TOO_MANY, HTTP_SERVER_ERROR = 409, 429, 500


@dataclass(frozen=True)
class Order:
    """What to release, and how."""

    session: Session
    product: str
    track: str | None
    version: str | None
    state: Path
    is_dry_run: bool
    root: Path | None = None


@click.group()
def release() -> None:
    """Build and publish databases from approved changes."""


@release.command()
@click.option("--product", required=True, help="The product's short name.")
@click.option("--track", type=click.Choice(["expedited", "standard"]), help="Only the changes of this track.")
@click.option("--version", help="What to call the new database. [default: YYYYMMDD.NNN, where the product counts so]")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to keep how far the feed is read. [default: .sigreq-release-PRODUCT.json]",
)
@click.option("--once", is_flag=True, help="Look once and end, instead of polling.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Seconds.")
@root_option
@click.option("--dry-run", is_flag=True, help="Look once, say what would be published, and change nothing.")
@api_command
def run(session: Session, *, state: Path | None, once: bool, interval: float, dry_run: bool, **said: Any) -> None:
    """Poll the feed and publish what is approved, as the next version after the newest one.

    A change that does not apply is reported with the reason and goes back to its analyst. Killing this at any moment
    is safe: what the server has published is never published again.
    """
    if said["version"] is not None and not (once or dry_run):
        raise click.UsageError("--version names one database, so it needs --once.")
    path = state or Path(f".sigreq-release-{Path(said['product']).name}.json")
    order = Order(session=session, state=path, is_dry_run=dry_run, **said)
    if once or dry_run:
        if not _look(order):
            session.show({"version": None, "changes": []}, "Nothing waits.")
        return
    while True:
        _look_again(order)
        time.sleep(interval)


def _look_again(order: Order) -> None:
    """One round of polling; what may be better in the next round does not end it."""
    try:
        _look(order)
    except ApiUnreachable as error:
        click.echo(str(error), err=True)
    except ApiError as error:
        if error.status not in {HTTP_CONFLICT, HTTP_TOO_MANY} and error.status < HTTP_SERVER_ERROR:
            raise
        click.echo(f"{error.detail} [{error.code}]", err=True)


def _look(order: Order) -> bool:
    """Publish what waits; whether anything did."""
    waiting = _read_feed(order)
    if not order.is_dry_run:
        waiting.save(order.state)
    while items := [item for item in waiting.items.values() if order.track in (None, item["track"])]:
        check_approvals(order.root, order.product, items)
        version, ordinal, base = _next_place(order)
        if _send(order, waiting, version, ordinal, couple(items, base)):
            return True
    return False


def _read_feed(order: Order) -> Waiting:
    waiting = _continued(order)
    page = order.session.client.feed(order.product, after=waiting.cursor)
    while page["items"]:
        waiting.read(page["items"])
        page = order.session.client.feed(order.product, after=page["next_cursor"])
    return waiting


def _continued(order: Order) -> Waiting:
    """What was kept, if the server still has the entry that was read last.

    It has not when a backup was restored or --url names another server: then its feed tells the whole story anew.
    """
    waiting = Waiting.load(order.state)
    if waiting.last is None:
        return waiting
    try:
        items = order.session.client.feed(order.product, after=waiting.cursor - 1, limit=1)["items"]
    except ApiError as error:
        if error.code != "cursor_ahead":
            raise
        items = []
    return waiting if items == [waiting.last] else Waiting()


def _next_place(order: Order) -> tuple[str, int, Ruleset]:
    """The next version with its ordinal, and the rules it stands on: those of the newest version not withdrawn."""
    published = order.session.client.releases(order.product)["items"]
    base = next((row for row in published if row["withdrawn_at"] is None), None)
    if base is None:
        raise click.ClickException(
            f"{order.product} has no database yet. Publish the first: sigreq admin database publish"
        )
    version = order.version or next_version((row["version"] for row in published), datetime.now(UTC).date())
    if version is None:
        raise click.UsageError(f"{order.product} does not count its databases by date: give --once and --version.")
    newest = published[0]["version"]
    if is_behind(version, newest):
        click.echo(f"Warning: {version} does not sort above {newest}, the newest of {order.product}.", err=True)
    rules = order.session.client.ruleset(order.product, base["version"])
    return version, published[0]["ordinal"] + 1, Ruleset.from_document(json.dumps(rules).encode())


def _send(order: Order, waiting: Waiting, version: str, ordinal: int, train: Train) -> bool:
    """Publish, and remember it. False when the server does not wait for some of these changes any more.

    No change is picked up first, because here nothing takes long between reading the feed and publishing: a version
    that the server refuses leaves every change as it was.
    """
    ruleset = json.loads(train.ruleset.document())
    body = {"ordinal": ordinal, "ruleset": ruleset, "changes": train.changes}
    document = {"version": version, "left": train.left, **body}
    if order.is_dry_run:
        order.session.show(document, f"Would publish {_text(order.product, version, train)}")
        return True
    try:
        _publish(order, version, body)
    except ApiError as error:
        if error.code != "change_unknown":
            raise
        # Withdrawn or published since the feed was read; the rest can go.
        waiting.forget(report["id"] for report in train.changes if report["id"] in error.data["changes"])
        waiting.save(order.state)
        return False
    waiting.forget(report["id"] for report in train.changes)
    waiting.save(order.state)
    order.session.show(document, f"Published {_text(order.product, version, train)}")
    return True


def _publish(order: Order, version: str, body: dict[str, Any]) -> None:
    """Publish a version, after the gate where it has no pass that holds."""
    try:
        order.session.client.publish(order.product, version, body)
    except ApiError as error:
        if error.code != "train_not_gated":
            raise
        run = wait_for_gate(order.session, order.session.client.test_train(order.product, version, body)["id"])
        if run["state"] != "passed":
            raise click.ClickException(f"{version} did not pass the gate.\n{gate_text(run)}") from None
        order.session.client.publish(order.product, version, body)


def _text(product: str, version: str, train: Train) -> str:
    lines = [f"{product} {version}"]
    for report in train.changes:
        note = "included" if report["is_included"] else f"does not apply: {report['reason']}"
        lines.append(f"  {report['id']} rev {report['rev']}: {note}")
    lines += [f"  {change}: waits for the next version, as it changes the same signature" for change in train.left]
    return "\n".join(lines)
