"""Settings for the commands that run a part of the service; a mistake in them ends the command with its name."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sigreq.settings import Settings


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
