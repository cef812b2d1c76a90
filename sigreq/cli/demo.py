"""`sigreq demo`: the story, from the report to the proved fix."""

from pathlib import Path

import click

from sigreq.cli.kinds import FOLDER, FOLDER_THERE


@click.command()
@click.option(
    "--data",
    type=FOLDER,
    default=Path("data/demo"),
    show_default=True,
    help="A folder for the demo alone; what an earlier demo left there is removed.",
)
@click.option(
    "--samples",
    type=FOLDER_THERE,
    default=Path("samples"),
    show_default=True,
    help="The folder with the story's rules and files.",
)
def demo(data: Path, samples: Path) -> None:
    """Start everything, play the story over HTTP with the real commands, stop everything. Exit code 0: it held."""
    import shutil
    import time

    from sigreq.embedded.keys import first_keys
    from sigreq.embedded.postbox import Postbox
    from sigreq.embedded.process import EmbeddedError
    from sigreq.embedded.service import Service
    from sigreq.embedded.stage import Stage, StoryBroken
    from sigreq.embedded.story import play

    begun = time.monotonic()
    if (data / "demo").exists():
        shutil.rmtree(data)
    click.echo("starting PostgreSQL, Redis, S3, the API and two workers ...")
    try:
        # The story's webhook receiver and mail server listen on this machine.
        env = {"SIGREQ_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true"}
        with Postbox() as postbox, Service(data, env={**env, **postbox.env}) as service:
            (service.data / "demo").touch()
            click.echo(f"ready at {service.url} after {time.monotonic() - begun:.1f} s")
            keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
            play(Stage(service.url, keys, samples.resolve(), service.data, say=click.echo), postbox)
            click.echo("\nstopping ...")
    except (EmbeddedError, StoryBroken) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The story held, in {time.monotonic() - begun:.0f} s.")
