"""How the release tool reads the feed, and goes on where it stood."""

from pathlib import Path

import sigreq_client
from sigreq.cli.train import Waiting
from sigreq_client import ApiError


def read_feed(client: "sigreq_client.Client", product: str, state: Path) -> Waiting:
    """What waits for a release of a product by now: what was kept in the file `state`, and all that came since."""
    waiting = _continued(client, product, Waiting.load(state))
    page = client.feed(product, after=waiting.cursor)
    while page["items"]:
        waiting.read(page["items"])
        page = client.feed(product, after=page["next_cursor"])
    return waiting


def _continued(client: "sigreq_client.Client", product: str, kept: Waiting) -> Waiting:
    """What was kept, if the server still has the entry that was read last.

    It has not when a backup was restored or --url names another server: then its feed tells the whole story anew.
    """
    if kept.last is None:
        return kept
    try:
        items = client.feed(product, after=kept.cursor - 1, limit=1)["items"]
    except ApiError as error:
        if error.code != "cursor_ahead":
            raise
        items = []
    return kept if items == [kept.last] else Waiting()
