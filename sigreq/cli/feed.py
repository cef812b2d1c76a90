"""The feed on the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import sigreq_client
from sigreq.cli.kinds import FILE
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import moment

ATTEMPTS = 5


@click.group()
def feed() -> None:
    """What happens to approved changes, extras and relief, as release tooling reads it."""


@feed.command()
@click.option("--product", required=True, help="The product's short name.")
@click.option(
    "--track",
    type=click.Choice(["expedited", "standard"]),
    help="Only what is on this track; extras and relief are expedited.",
)
@click.option(
    "--cursor",
    type=FILE,
    help="The file that remembers how far the feed was read. [default: none, which reads it from its beginning]",
)
@click.option("--once", is_flag=True, help="End where nothing is left to read, instead of waiting for more.")
@api_command
def follow(session: Session, *, product: str, track: str | None, cursor: Path | None, once: bool) -> None:
    """Print each entry as it comes: a line, or with --json a JSON document on a line.

    Lost connections and restarts of the server are waited for. With --cursor an entry is printed again only if this
    command was killed just then.
    """
    what = sigreq_client.Follow(product, track, is_once=once, attempts=ATTEMPTS if once else None)
    try:
        for event in session.client.follow(what, cursor):
            session.show(event, _text(event))
    except sigreq_client.CursorUnusable as error:
        session.fail(str(error), {"code": "cursor_unusable", "detail": str(error)})


def _text(event: Mapping[str, Any]) -> str:
    if event["action"] == "rewound":
        return f"-  rewound: {event['detail']}"
    if event["action"] == "snapshot":
        lines = [f"-  snapshot: {len(event['items'])} open; reading on behind {event['next_cursor']}"]
        return "\n".join([*lines, *(f"   open  {_about(item)}" for item in event["items"])])
    return f"{event['number']}  {moment(event['at'])}  {event['action']}  {_about(event)}"


def _about(item: Mapping[str, Any]) -> str:
    told = item.get("change") or item.get("extra") or {}
    rev, base, until, ending = (told.get(name) for name in ("rev", "base_version", "expires_at", "ending"))
    named = [
        str(told.get("id", "")),
        f"rev {rev}" if rev else "",
        str(told.get("kind") or ""),
        f"on {base}" if base else "",
        f"until {moment(until)}" if until else "",
        str(ending or ""),
        f"({item['track']})",
    ]
    return "  ".join(part for part in named if part)
