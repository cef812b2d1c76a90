"""What every command that talks to the API has in common: its options, its connection, how it fails."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import IO, Any, NoReturn

import click

import sigreq_client
from sigreq.cli.kinds import FILE_THERE
from sigreq.cli.output import plain


class Failure(click.ClickException):
    """Ends a command with exit code 1: the message on stderr, and the document on stdout where JSON was asked for."""

    def __init__(self, message: str, document: dict[str, Any] | None) -> None:
        super().__init__(message)
        self._document = document

    def show(self, file: IO[Any] | None = None) -> None:
        """Print both."""
        if self._document is not None:
            click.echo(json.dumps(self._document))
        super().show(file)


@dataclass(frozen=True)
class Session:
    """A connected client and the way its answers are shown."""

    client: "sigreq_client.Client"
    url: str
    is_json: bool
    key: str | None = field(default=None, repr=False)

    def show(self, document: Any, text: str) -> None:
        """Print the document for programs, or the text for people."""
        click.echo(json.dumps(document) if self.is_json else plain(text))

    def fail(self, message: str, document: dict[str, Any]) -> NoReturn:
        """End the command. `document` has at least `code` and `detail`."""
        raise Failure(plain(message), document if self.is_json else None)


@contextmanager
def connection(url: str, key: str | None, *, is_json: bool) -> Iterator[Session]:
    """An open session for the block; what goes wrong in it ends the command with a clear message."""
    with sigreq_client.Client(url, key) as client:
        session = Session(client, url, is_json, key)
        try:
            yield session
        except sigreq_client.ApiError as error:
            document = {"status": error.status, "code": error.code, "detail": error.detail, **error.data}
            session.fail(f"{error.detail} [{error.code}]", document)
        except sigreq_client.ApiUnreachable as error:
            message = "\n".join([str(error), *getattr(error, "__notes__", [])])
            session.fail(message, {"code": "unreachable", "detail": message, "is_undecided": error.is_undecided})
        except BrokenPipeError:
            raise  # nobody reads our output any more: click ends quietly
        except OSError as error:
            session.fail(str(error), {"code": "file_unusable", "detail": str(error)})


def api_command(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a connection and hand the command an open Session first."""

    @wraps(command)
    def connected(*, url: str, key: str | None, key_file: Path | None, is_json: bool, **said: object) -> None:
        with connection(url, _key(key, key_file), is_json=is_json) as session:
            command(session, **said)

    for option in reversed(_OPTIONS):
        option(connected)
    return connected


json_option = click.option(
    "--json",
    "is_json",
    is_flag=True,
    help="Print the server's JSON; a refusal is printed as its problem document, with exit code 1.",
)
_OPTIONS = (
    click.option(
        "--url",
        envvar="SIGREQ_URL",
        default="http://127.0.0.1:8080",
        show_default=True,
        show_envvar=True,
        help="The server's address.",
    ),
    click.option(
        "--key",
        envvar="SIGREQ_API_KEY",
        show_envvar=True,
        help="Your API key. On the command line other users of this machine can see it: prefer the other two ways.",
    ),
    click.option(
        "--key-file",
        type=FILE_THERE,
        help="A file that holds the API key; it goes before --key.",
    ),
    json_option,
)


def _key(key: str | None, key_file: Path | None) -> str:
    found = key_file.read_text().strip() if key_file is not None else (key or "").strip()
    if not found:
        raise click.UsageError("An API key is needed: set SIGREQ_API_KEY, or give --key-file.")
    if not (found.isascii() and found.isprintable()):
        raise click.UsageError("The API key holds characters that no key has; was it copied whole?")
    return found
