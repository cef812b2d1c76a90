"""Writes that stand on what was read: which revision a `decide` command names."""

from collections.abc import Callable
from typing import Any

import click

from sigreq.cli.output import Document
from sigreq_client import ApiError

revision_option = click.option("--revision", type=int, help="The revision you decided on. [default: the newest]")


def decided(
    read: Callable[[str], Document],
    write: Callable[..., Document],
    thing_id: str,
    seen: int | None,
    *said: Any,
    **more: Any,
) -> Document:
    """Write on the revision that was seen, else on the newest: read once more when it moved in between.

    It may move without a person, as when its screening ends.
    """
    if seen is not None:
        return write(thing_id, seen, *said, **more)
    try:
        return write(thing_id, read(thing_id)["revision"], *said, **more)
    except ApiError as error:
        if error.code != "revision_stale":
            raise
        return write(thing_id, read(thing_id)["revision"], *said, **more)
