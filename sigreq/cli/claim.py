"""What a customer claims about files: the options that say it, for those who hand in and those who take a call."""

from collections.abc import Callable
from typing import Any

import click

from sigreq.domain.claim import usual_verdict
from sigreq.domain.submission import Kind

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
_OPTIONS = (
    click.option("--kind", required=True, type=click.Choice(["false_positive", "false_negative"])),
    click.option("--product", required=True, help="The product's short name."),
    click.option("--product-version", required=True),
    click.option(
        "--database-version", required=True, help="The signature database's version, as the product shows it."
    ),
    click.option(
        "--severity",
        required=True,
        type=click.IntRange(1, 4),
        help="1: work is interrupted ... 4: no effect on function.",
    ),
    click.option("--detection-name", help="What the product calls the detection; needed for a false positive."),
    click.option(
        "--expected-verdict",
        type=click.Choice(["clean", "malware", "pua", "unknown"]),
        help="What you take the file for. [default: clean for a false positive, else malware]",
    ),
    click.option("--archive-password", help="Opens the archives among the files."),
    click.option(
        "--sha256", multiple=True, help="A hash you hold of a file, as HASH or NAME=HASH; the server compares."
    ),
    *(click.option(f"--{name.replace('_', '-')}", help=text) for name, text in _DETAILS.items()),
    click.option("--hosts-affected", type=click.IntRange(min=0), help="How many machines."),
    click.option("--is-production/--is-not-production", default=None, help="Whether they do productive work."),
    click.option(
        "--quarantined/--not-quarantined", "is_quarantined", default=None, help="Whether the file was locked away."
    ),
    click.option("--is-publisher/--is-not-publisher", default=None, help="Whether the program is your own."),
)


def claim_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add all that can be said of a claim, but for `--contact`."""
    for option in reversed(_OPTIONS):
        option(command)
    return command


def claim_of(fields: dict[str, object]) -> dict[str, Any]:
    """The submission's JSON, without what was not said."""
    said = {name: value for name, value in fields.items() if value not in (None, ())}
    names = {*_DETAILS, "hosts_affected", "is_production", "is_quarantined", "is_publisher"}
    claim = {name: value for name, value in said.items() if name not in names | {"sha256"}}
    claim.setdefault("expected_verdict", usual_verdict(Kind(str(said["kind"]))).value)
    claim["details"] = {name: value for name, value in said.items() if name in names}
    stated = said.get("sha256", ())
    assert isinstance(stated, tuple)  # noqa: S101 -- click's multiple=True
    if stated:
        claim["hashes"] = [_stated_hash(text) for text in stated]
    return claim


def _stated_hash(text: str) -> dict[str, str]:
    name, _, sha256 = text.rpartition("=")
    return {"name": name, "sha256": sha256} if name else {"sha256": sha256}
