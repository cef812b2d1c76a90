"""`sigreq serve`: the API."""

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve the API. Settings come from the environment (SIGREQ_...); run as many of these as you like."""
    from sigreq.cli.environment import kept, settings

    with kept():
        from sigreq import logs
        from sigreq.api.server import run

    logs.set_up()
    run(settings(), host, port)
