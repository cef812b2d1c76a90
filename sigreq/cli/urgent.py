"""What the release tool does about urgent changes that no train takes yet: it has them in force at once, as extras.

What was done, or why it was not, is kept with what waits, and what was done is in the feed, too. So nothing is tried
again on the same version that failed on it, or that somebody took back, even where this was killed in between.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

import click

from sigreq.cli.approvals import check_approvals
from sigreq.cli.gates import wait_for_gate, why_no_pass
from sigreq.cli.order import Order, asked
from sigreq.cli.output import Document, moment
from sigreq.cli.publishing import MOST_TESTS
from sigreq.cli.train import FeedItem, Waiting, noted
from sigreq.domain.changes import ChangeKind
from sigreq.domain.extras import LONGEST, additions_of, goes_at_once
from sigreq.domain.submission import Track
from sigreq.domain.trains import Schedule
from sigreq_client import ApiError

HOUR = timedelta(hours=1)
SPARE = timedelta(days=1)
"""How much longer than until the next train an extra is in force, for a train that is late."""
_WAITS = {"gate_pass_stale", "state_forbids", "extra_unfit", "known_malware", "not_found"}


def send_urgent(order: Order, waiting: Waiting, schedule: Schedule) -> list[Document]:
    """Have every urgent change in force that only adds something, and tell of the others that they wait for the train.

    What is in force already is left alone. Raises ApiError and ClickException like publishing does.
    """
    items = [item for item in asked(waiting, order.track) if item["track"] == Track.EXPEDITED]
    if not items:
        return []
    in_force = order.session.client.extras(order.product)
    base: str | None = in_force["base_version"]
    if base is None:
        return []  # there is nothing to lay it over
    live = {each["change_id"]: each for each in in_force["items"]}
    wanted = []
    for item in items:
        change_id = item["change"]["id"]
        if not goes_at_once(Track.EXPEDITED, ChangeKind(item["change"]["kind"])):
            _wait(order, waiting, item, base, f"{item['change']['kind']} does not only add something")
        elif change_id in live:
            waiting.urgent[change_id] = noted(base, live[change_id]["expires_at"])
        elif not _is_settled(waiting, change_id, base):
            wanted.append(item)
    if order.is_dry_run:
        return [{"change_id": item["change"]["id"], "base_version": base} for item in wanted]
    check_approvals(order.root, order.product, wanted)
    hours = _hours(schedule, datetime.now(UTC))
    return [sent for item in wanted if (sent := _send(order, waiting, item, base, hours)) is not None]


def urgent_text(order: Order, extras: Sequence[Document]) -> str:
    """A line for each that is now in force, or would be."""
    if order.is_dry_run:
        return "".join(f"Would put {each['change_id']} in force on {each['base_version']} at once\n" for each in extras)
    return "".join(
        f"In force on {each['base_version']} at once: {each['change_id']} as {each['id']},"
        f" until {moment(each['expires_at'])} or the next version\n"
        for each in extras
    )


def _send(order: Order, waiting: Waiting, item: FeedItem, base: str, hours: int) -> Document | None:
    """The extra, once it is remembered; None where it has to wait."""
    change = item["change"]
    try:
        made = _published(order, change["id"], base, hours)
    except ApiError as error:
        if error.code == "base_replaced":  # by another version just now: the next look goes on from that
            click.echo(f"{change['id']}: {error.detail}", err=True)
            return None
        if error.code not in _WAITS:
            raise
        _wait(order, waiting, item, base, error.detail)
        return None
    if made is None:
        _wait(order, waiting, item, base, f"it does not pass the gate on {base}")
        return None
    if made["digest"] != additions_of(ChangeKind(change["kind"]), change["payload"]).digest:
        click.echo(f"Warning: {made['id']} is not what the feed says of {change['id']}.", err=True)
    waiting.urgent[change["id"]] = noted(base, made["expires_at"])
    waiting.save(order.state)
    return made


def _published(order: Order, change_id: str, base: str, hours: int) -> Document | None:
    """The extra, after another test where the pass does not hold any more; None where that fails. Raises ApiError."""
    client = order.session.client
    for _ in range(MOST_TESTS):
        try:
            made: Document = client.publish_extra(change_id, base, hours)
        except ApiError as error:
            if error.code != "gate_pass_stale":
                raise
            click.echo(f"{change_id} goes through the gate: {why_no_pass(error)}", err=True)
        else:
            return made
        if wait_for_gate(order.session, client.test_extra(change_id)["id"])["state"] != "passed":
            return None
    last: Document = client.publish_extra(change_id, base, hours)
    return last


def _wait(order: Order, waiting: Waiting, item: FeedItem, base: str, why: str) -> None:
    """Say that it waits, once for each reason."""
    change_id = item["change"]["id"]
    before, note = waiting.urgent.get(change_id), noted(base, None, why)
    if before is None or before["why"] != why:
        click.echo(f"{change_id} is urgent, but waits for the next train: {why}", err=True)
    waiting.urgent[change_id] = note
    if before != note and not order.is_dry_run:
        waiting.save(order.state)


def _is_settled(waiting: Waiting, change_id: str, base: str) -> bool:
    """Whether there is no more to do about it on this version: it failed, or was in force until somebody ended it."""
    note = waiting.urgent.get(change_id)
    if note is None or note["base"] != base:
        return False
    return note["until"] is None or datetime.fromisoformat(note["until"]) > datetime.now(UTC)


def _hours(schedule: Schedule, now: datetime) -> int:
    return ceil(min(schedule.next_departure(now) - now + SPARE, LONGEST) / HOUR)
