"""`sigreq migrate`: the schema."""

import click


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema, as its owner (SIGREQ_DATABASE__OWNER_URL)."""
    from sigreq.cli.environment import settings
    from sigreq.migrations.run import upgrade

    database = settings().database
    if database.owner_url is None:
        raise click.UsageError("set SIGREQ_DATABASE__OWNER_URL: the application's own role may not change tables")
    upgrade(database.owner_url.get_secret_value(), database.url.get_secret_value())
    click.echo("the database is at the newest schema")
