"""Sending files: the progress of it, and `sigreq upload` for those who got a link on the phone."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sigreq.cli.kinds import FILE_THERE
from sigreq.cli.options import connection, json_option
from sigreq.cli.output import next_step, submission_text
from sigreq_client import ApiUnreachable

if TYPE_CHECKING:
    from sigreq_client.upload import Progress

_ADDRESS = "/v1/uploads/"

files_argument = click.argument("files", nargs=-1, required=True, type=FILE_THERE)


@click.command()
@click.argument("link")
@files_argument
@json_option
def upload(link: str, files: tuple[Path, ...], *, is_json: bool) -> None:
    """Send FILES by the LINK you got on the phone. No API key is needed; the link works once, and expires."""
    url, token = _read(link)
    with connection(url, None, is_json=is_json) as session:
        session.client.upload_link(token)  # a link that is used up is refused before a byte of a file leaves
        try:
            with progress() as on_progress:
                document = session.client.upload(token, files, on_progress)
        except ApiUnreachable as error:
            error.add_note("Try again: the link works once, so if the files have arrived it says so.")
            raise
        session.show(document, f"{submission_text(document)}{joined_text(document)}\n\n{next_step(document)}")


def joined_text(document: dict[str, object]) -> str:
    """Said when the files were known."""
    return "\nThis joins an earlier submission of the same files." if document.get("is_joined") else ""


def _read(link: str) -> tuple[str, str]:
    url, found, token = link.strip().partition(_ADDRESS)
    if not (found and token.isascii() and token.replace("-", "").replace("_", "").isalnum()):
        raise click.BadParameter(
            f"it is not a whole upload link such as https://HOST{_ADDRESS}TOKEN.", param_hint="LINK"
        )
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("it has to begin with http:// or https://.", param_hint="LINK")
    return url, token


@contextmanager
def progress() -> "Iterator[Progress | None]":
    """A bar on stderr while somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="Sending", file=sys.stderr) as bar:

        def on_progress(sent: int, total: int) -> None:
            bar.length = total
            bar.update(sent - bar.pos)

        yield on_progress
