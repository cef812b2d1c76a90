"""The example product that a first start may bring, so that there is something to submit against."""

from datetime import UTC, datetime
from pathlib import Path

import sigreq_client

PRODUCT = {
    "id": "acme-av",
    "title": "Acme AntiVirus",
    "scheme": "date_revision",
    "grace_seconds": 4 * 3600,
    "update_instructions": "Update: open Acme AntiVirus, choose Update now, or run `acme-update --now`.",
}


def first_database(url: str, key: str, rules: Path) -> None:
    """Publish the rules as today's first version of the example product, once."""
    with sigreq_client.Client(url, key) as client:
        if any(product["id"] == PRODUCT["id"] for product in client.products()["items"]):
            return
        client.add_product(PRODUCT)
        sources = {file.stem: file.read_text() for file in sorted(rules.glob("*.yar"))}
        release = {"ordinal": 1, "ruleset": {"rules": sources, "allowed": []}, "changes": []}
        client.publish(str(PRODUCT["id"]), f"{datetime.now(UTC):%Y%m%d}.1", release)
