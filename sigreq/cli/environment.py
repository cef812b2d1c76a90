"""What the commands share that run a part of the service: settings, and how a process that lasts is begun."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sigreq.settings import Settings


@contextmanager
def kept() -> Iterator[None]:
    """What is imported inside is there until the process ends, so no collection looks for garbage in it, now or later.

    A tenth of the time that a process takes to start went into that, and most of each pause of one that serves.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def settings() -> "Settings":
    """The settings in the environment. Raises ClickException that names each missing or malformed one."""
    from pydantic import ValidationError

    from sigreq.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            name = "SIGREQ_" + "__".join(str(part).upper() for part in each["loc"])
            lines.append(f"  {name}: {each['msg']}")
        raise click.ClickException("these settings are missing or not usable:\n" + "\n".join(lines)) from error
