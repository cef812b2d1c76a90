"""How the release tool reads the feed, and goes on where it stood."""

from dataclasses import dataclass
from pathlib import Path

import click

import sigreq_client
from sigreq.cli.train import Waiting
from sigreq_client.cursors import Cursor

ATTEMPTS = 3


@dataclass(frozen=True)
class _Place:
    """Keeps the cursor beside what waits: both are saved in one file, at once, when all was read."""

    waiting: Waiting

    def load(self) -> Cursor:
        return self.waiting.cursor

    def save(self, cursor: Cursor) -> None:
        self.waiting.cursor = cursor


def read_feed(client: "sigreq_client.Client", product: str, state: Path) -> Waiting:
    """What waits for a release of a product by now: what was kept in the file `state`, and all that came since.

    Where the feed does not reach back to what was kept, the server's snapshot of what is open takes its place. Raises
    ClickException where the server's feed is another one, ApiError, ApiUnreachable.
    """
    waiting = Waiting.load(state, product)
    what = sigreq_client.Follow(product, is_once=True, attempts=ATTEMPTS)
    for event in client.follow(what, _Place(waiting)):
        if event["action"] == "rewound":
            raise click.ClickException(_another_feed(product, state, event["code"], event["detail"]))
        if event["action"] == "snapshot":
            click.echo("The feed does not reach back to what was read last: going on with all that is open.", err=True)
        waiting.read(event)
    return waiting


def _another_feed(product: str, state: Path, code: str, detail: str) -> str:
    return (
        f"{detail} [{code}]\n"
        f"The server's feed of {product} is not the one that was read before, so nothing was published. Either --url\n"
        "names another server, or a backup of it was restored. Then versions that are out may be missing there, and\n"
        f"their numbers would be used again: compare `sigreq admin database list {product}` with what your customers\n"
        f"have, publish anew what is missing, and delete {state} to read the feed from its beginning."
    )
