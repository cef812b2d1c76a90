"""The reference release tool: from approved changes to a published database, step by step or all at once.

The server is the truth. What is kept here (how far the feed is read, what waits, what was built) only saves work, is
replaced at once, and can be lost at any moment: the same step again completes it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import click

from sigreq.cli.atomic import replace_file
from sigreq.cli.bundle import root_option
from sigreq.cli.candidate import Candidate, next_place
from sigreq.cli.feed_reading import read_feed
from sigreq.cli.options import Session, api_command
from sigreq.cli.order import Order, asked
from sigreq.cli.output import table
from sigreq.cli.publishing import GateFailed, publish
from sigreq.cli.train import Waiting
from sigreq.cli.urgent import send_urgent, urgent_text
from sigreq.domain.targets import Target
from sigreq_client import ApiError, ApiUnreachable

HTTP_CONFLICT, HTTP_TOO_MANY, HTTP_SERVER_ERROR = 409, 429, 500
NOTHING: dict[str, Any] = {"version": None, "changes": [], "extras": []}


@click.group()
def release() -> None:
    """Build and publish databases from approved changes."""


_product = click.option("--product", required=True, help="The product's short name.")
_track = click.option("--track", type=click.Choice(["expedited", "standard"]), help="Only the changes of this track.")
_version = click.option(
    "--version", help="What to call the new database. [default: YYYYMMDD.NNN, where the product counts so]"
)
_state = click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to keep how far the feed is read. [default: .sigreq-release-PRODUCT.json]",
)
_folder = click.Path(file_okay=False, path_type=Path)


def _kept(state: Path | None, product: str) -> Path:
    return state or Path(f".sigreq-release-{Path(product).name}.json")


@release.command()
@_product
@_track
@_state
@click.option("--pick-up", is_flag=True, help="Tell the server that they are on their way: nobody can withdraw them.")
@api_command
def poll(session: Session, *, product: str, track: str | None, state: Path | None, pick_up: bool) -> None:
    """Read the feed, remember what waits for a release, and show it."""
    path = _kept(state, product)
    waiting = read_feed(session.client, product, path)
    waiting.save(path)
    items = asked(waiting, track)
    if pick_up:
        for item in items:
            session.client.picked_up(item["change"]["id"])
    rows = [
        [item["change"]["id"], item["change"]["rev"], item["track"], item["change"]["kind"], item["at"]]
        for item in items
    ]
    text = table(["CHANGE", "REV", "TRACK", "KIND", "APPROVED"], rows) if rows else "Nothing waits."
    session.show({"cursor": waiting.cursor.after, "items": items}, text)


@release.command()
@_product
@_track
@_version
@_state
@click.option("--into", type=_folder, required=True, help="The folder to write, which `publish` reads.")
@root_option
@api_command
def build(session: Session, *, state: Path | None, into: Path, **said: Any) -> None:
    """Make the next version from what `poll` found: its rules and a bundle for each engine, in a folder.

    The same changes on the same database give the same bytes, so anybody can build again and compare.
    """
    order = Order(session=session, state=_kept(state, said["product"]), into=into, **said)
    candidate = order.candidate(Waiting.load(order.state, order.product), {})
    if candidate is None:
        session.show({"version": None, "changes": []}, "Nothing waits, as far as the feed was polled.")
        return
    candidate.save(into)
    session.show(candidate.document, f"Built {candidate.text}")


@release.command("publish")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_state
@api_command
def publish_folder(session: Session, folder: Path, state: Path | None) -> None:
    """Publish what `build` wrote into FOLDER, after the gate. What is published already is no failure."""
    candidate = Candidate.load(folder)
    try:
        publish(session, candidate)
    except GateFailed as failed:
        session.fail(str(failed), failed.document)
    path = _kept(state, candidate.product)
    waiting = Waiting.load(path, candidate.product)
    waiting.forget(report["id"] for report in candidate.train.changes)
    waiting.save(path)
    session.show(candidate.document, f"Published {candidate.text}")


@release.command()
@_product
@_track
@_version
@_state
@click.option("--into", type=_folder, help="A folder that keeps what was built last.")
@click.option("--once", is_flag=True, help="Look once and end, instead of polling.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Seconds.")
@root_option
@click.option("--now", is_flag=True, help="Publish standard changes too, though no train departs yet.")
@click.option("--dry-run", is_flag=True, help="Look once, say what would be published, and change nothing.")
@api_command
def run(
    session: Session, *, state: Path | None, once: bool, interval: float, now: bool, dry_run: bool, **said: Any
) -> None:
    """Poll the feed and publish what is approved, as the next version after the newest one.

    Changes go with the next train of the product's schedule; without a schedule at once. Until the train departs,
    an expedited change that only adds something is in force at once, as an extra on the newest version: it ends by
    itself, and goes with the train. One that removes or rewrites something waits for the train, and that is said.

    A change that does not apply, or for which the version does not pass the gate, is left out, reported with the reason
    and goes back to its analyst; the others go. Killing this at any moment is safe: what the server has published is
    never published again, and the next run completes what was begun.
    """
    if said["version"] is not None and not (once or dry_run):
        raise click.UsageError("--version names one database, so it needs --once.")
    path = _kept(state, said["product"])
    order = Order(session=session, state=path, is_dry_run=dry_run, waits_for_train=not now, **said)
    if once or dry_run:
        why_nothing = _look(order)
        if why_nothing is not None:
            session.show(NOTHING, why_nothing)
        return
    while True:
        _look_again(lambda: _look(order))
        time.sleep(interval)


@release.command()
@click.argument("product")
@click.argument("version")
@click.argument("target", type=click.Choice([each.value for each in Target]))
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write. [default: its name]"
)
@api_command
def fetch(session: Session, product: str, version: str, target: str, output: Path | None) -> None:
    """Fetch the bundle of a published version for an engine, and check it against the register."""
    rows = session.client.releases(product)["items"]
    known = [each for row in rows if row["version"] == version for each in row["bundles"] if each["target"] == target]
    if not known:
        raise click.ClickException(f"{product} {version} has no bundle for {target}.")
    (bundle,) = known
    content = BytesIO()
    session.client.bundle(product, version, target, content)
    if sha256(content.getvalue()).hexdigest() != bundle["sha256"]:
        raise click.ClickException(f"{bundle['name']} is not what the register says; nothing was written.")
    path = output or Path(bundle["name"])
    replace_file(path, content.getvalue())
    session.show({**bundle, "path": str(path)}, f"{bundle['sha256']}  {path}")


@release.command()
@_product
@click.option("--to", "back_to", required=True, metavar="VERSION", help="The published version to go back to.")
@_version
@api_command
def rollback(session: Session, *, product: str, back_to: str, version: str | None) -> None:
    """Publish the content of an earlier version again, as the next version: a number is never used twice.

    The changes that came out since go back to their analysts, and the cases that they had fixed reopen. Where the
    newest version has this content already, nothing is published.
    """
    published = session.client.releases(product)["items"]
    back = next((row for row in published if row["version"] == back_to), None)
    if back is None:
        raise click.ClickException(f"{product} has no version {back_to}; see: sigreq admin database list {product}")
    newest = next((row for row in published if row["withdrawn_at"] is None), published[0])
    if newest["ruleset_digest"] == back["ruleset_digest"]:
        text = f"{newest['version']}, the newest version of {product}, has the content of {back_to} already."
        session.show({**newest, "is_new": False}, text)
        return
    place = next_place(session.client, product, version, datetime.now(UTC).date())
    ruleset = session.client.ruleset(product, back_to)
    body = {"ordinal": place.ordinal, "ruleset": ruleset, "changes": [], "rolls_back_to": back_to}
    row = session.client.publish(product, place.version, body)
    session.show({**row, "is_new": True}, f"Published {product} {place.version} with the content of {back_to}.")


def _look_again(look: Callable[[], object]) -> None:
    """One round of polling; what may be better in the next round does not end it."""
    try:
        look()
    except ApiUnreachable as error:
        click.echo(str(error), err=True)
    except ApiError as error:
        if error.status not in {HTTP_CONFLICT, HTTP_TOO_MANY} and error.status < HTTP_SERVER_ERROR:
            raise
        click.echo(f"{error.detail} [{error.code}]", err=True)


def _look(order: Order) -> str | None:
    """Publish what waits; why nothing went out, or None when something did."""
    waiting = read_feed(order.session.client, order.product, order.state)
    if not order.is_dry_run:
        waiting.save(order.state)
    schedule = order.schedule(waiting)
    extras = [] if schedule is None else send_urgent(order, waiting, schedule)
    left_out: dict[str, str] = {}
    while (candidate := order.candidate(waiting, left_out, schedule)) is not None:
        if order.is_dry_run:
            text = f"{urgent_text(order, extras)}Would publish {candidate.text}"
            order.session.show({**candidate.document, "extras": extras}, text)
            return None
        if _send(order, waiting, candidate, left_out):
            text = f"{urgent_text(order, extras)}Published {candidate.text}"
            order.session.show({**candidate.document, "extras": extras}, text)
            return None
    why_nothing = order.nothing(waiting, schedule)
    if not extras:
        return why_nothing
    order.session.show({**NOTHING, "extras": extras}, urgent_text(order, extras) + why_nothing)
    return None


def _send(order: Order, waiting: Waiting, candidate: Candidate, left_out: dict[str, str]) -> bool:
    """Publish, and remember it. False when it has to be made anew, without some of its changes.

    No change is picked up first: one that is withdrawn while the gate is at work stays behind, and a version that the
    server refuses leaves every change as it was.
    """
    if order.into is not None:
        candidate.save(order.into)
    try:
        publish(order.session, candidate)
    except GateFailed as failed:
        if not failed.reasons:
            order.session.fail(str(failed), failed.document)
        click.echo(f"{failed}\nWithout {', '.join(failed.reasons)}:", err=True)
        left_out |= failed.reasons
        return False
    except ApiError as error:
        if error.code != "change_unknown":
            raise
        # Withdrawn or published since the feed was read; the rest can go.
        unknown = error.data["changes"]
        waiting.forget(report["id"] for report in candidate.train.changes if report["id"] in unknown)
        waiting.save(order.state)
        return False
    waiting.forget(report["id"] for report in candidate.train.changes)
    waiting.save(order.state)
    return True
