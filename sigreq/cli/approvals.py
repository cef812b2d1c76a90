"""What release tooling does before it builds: believe no approval that is not signed as the root says."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click


def check_approvals(root: Path | None, product: str, items: Iterable[Mapping[str, Any]]) -> None:
    """End the command unless every one of these approved changes is signed as its track asks for.

    Without a root nothing can be checked; that is said where there is something to check.
    """
    from sigreq.trust.anchor import Anchor
    from sigreq.trust.documents import Untrusted

    if root is None:
        if any(item["change"].get("envelope") for item in items):
            click.echo("Warning: no signature is checked; give --root ROOT to believe only whom it names.", err=True)
        return
    try:
        anchor = Anchor.read(root.read_bytes())
        anchor.check_fresh()
        for item in items:
            anchor.approved(product, item)
    except Untrusted as error:
        raise click.ClickException(
            f"Nothing is built: {error}. If the root file is an old one, get the newest: sigreq bundle root"
        ) from error
