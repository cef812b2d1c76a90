"""`sigreq admin bootstrap`: the first administrator, without whom nobody could make anybody."""

import click

from sigreq.cli.options import Failure, json_option


@click.command()
@click.argument("name")
@json_option
def bootstrap(name: str, *, is_json: bool) -> None:
    """Make the first administrator, called NAME, in the database itself. Their API key is shown this once.

    Settings come from the environment (SIGREQ_...), as for `serve`; run `migrate` before. Refused as soon as some
    administrator has a key that works.
    """
    import asyncio
    import json

    from sigreq.cli.environment import settings
    from sigreq.domain.errors import Problem
    from sigreq.store import people
    from sigreq.transaction import Database, NotMigrated

    if not name.strip():
        raise click.UsageError("The administrator needs a name.")

    async def send(_: object) -> None:
        """Nothing leaves: no job is made here."""

    async def make(url: str) -> tuple[str, str]:
        database = Database(url, pool_size=1, send=send)
        try:
            async with database.transaction() as tx:
                person, key = await people.first_administrator(tx, name)
                return person.id, key
        finally:
            await database.close()

    try:
        person_id, key = asyncio.run(make(settings().database.url.get_secret_value()))
    except NotMigrated as error:
        raise click.ClickException("The database has no tables yet: run `sigreq migrate` first.") from error
    except Problem as problem:
        document = {"code": problem.code, "detail": problem.message, **problem.data}
        raise Failure(problem.message, document if is_json else None) from problem
    text = f"Person {person_id}: {name}, administrator\nAPI key: {key}\nIt is not shown again."
    click.echo(json.dumps({"id": person_id, "key": key}) if is_json else text)
