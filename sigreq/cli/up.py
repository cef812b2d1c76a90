"""`sigreq up`: everything on this machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sigreq.cli.kinds import FOLDER, FOLDER_THERE

if TYPE_CHECKING:
    from threading import Event

    from sigreq.embedded.service import Service

LOOK_EVERY_SECONDS = 0.5


@click.command()
@click.option(
    "--data",
    type=FOLDER,
    default=Path("data/up"),
    show_default=True,
    help="Where everything is kept; made if it is not there.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: a free one, kept]")
@click.option(
    "--rules",
    type=FOLDER_THERE,
    help="At the first start, publish these rules as the database of an example product.",
)
@click.option("--tied", is_flag=True, help="Stop when the process that started this one goes away.")
def up(data: Path, host: str, port: int | None, rules: Path | None, *, tied: bool) -> None:
    """Start PostgreSQL, Redis, S3, the API and the workers, and keep them running until Ctrl-C. The data stays."""
    import signal
    from threading import Event

    from sigreq.embedded.process import EmbeddedError, die_with_parent
    from sigreq.embedded.service import Service

    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    if tied:
        die_with_parent(signal.SIGTERM)
    service = Service(data, host=host, port=port)
    click.echo("starting PostgreSQL, Redis, S3, the API and two workers ...", err=True)
    try:
        service.start()
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from error
    try:
        _welcome(service, rules)
        _watch(service, stop)
    finally:
        click.echo("stopping ...", err=True)
        service.stop()


def _watch(service: "Service", stop: "Event") -> None:
    while not stop.wait(LOOK_EVERY_SECONDS):
        for name in service.revive():
            click.echo(f"{name} had died; it was started again", err=True)


def _welcome(service: "Service", rules: Path | None) -> None:
    from sigreq.embedded.example import first_database
    from sigreq.embedded.keys import first_keys, first_links
    from sigreq.embedded.signing import ROOT_FILE

    kept = service.data / "keys"
    keys = first_keys(service.env["SIGREQ_DATABASE__URL"], kept)
    if rules is not None:
        first_database(service.url, keys["administrator"], rules)
    width = max(map(len, keys))
    command = Path(sys.argv[0])
    links = first_links(service.env["SIGREQ_DATABASE__URL"], keys)
    doors = [f"  {who:{width}}  {service.url}{path}" for who, path in links.items()]
    told = ["Set the passwords for the pages; each link works once, within 24 hours:", *doors, ""] if doors else []
    lines = [f"  {who:{width}}  {key}" for who, key in keys.items()]
    click.echo(
        "\n".join(
            [
                "",
                f"sigreq is ready at {service.url}",
                f"OpenAPI page     {service.url}/schema",
                f"pages            {service.url}/sign-in",
                f"keys             {kept} (only you can read it)",
                *lines,
                f"trusted root     {service.data / ROOT_FILE} (development keys: their root key lies beside it)",
                "",
                *told,
                "Try:",
                f"  export SIGREQ_URL={service.url}",
                f"  {command} account --key-file {kept / 'customer'}",
                f"  {command} --help",
                "Ctrl-C stops everything; the data stays for the next start.",
            ]
        )
    )
