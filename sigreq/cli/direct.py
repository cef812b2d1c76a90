"""Commands that work on the database itself, with the settings of the environment: no key of the API reaches so far."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from sigreq.cli.options import Failure

if TYPE_CHECKING:
    from sigreq.settings import Settings
    from sigreq.transaction import Transaction

T = TypeVar("T")


def at_database(work: "Callable[[Transaction, Settings], Awaitable[T]]", *, is_json: bool) -> T:
    """Do the work in one transaction. What can go wrong ends the command with a clear message."""
    from sigreq.cli.environment import settings
    from sigreq.domain.errors import Problem
    from sigreq.transaction import Database, NotMigrated
    from sigreq.trust.ceremony import CeremonyBroken
    from sigreq.trust.documents import Untrusted

    found = settings()

    async def send(_: object) -> None:
        """No hint is needed: workers look for jobs in the database."""

    async def run() -> T:
        database = Database(found.database.url.get_secret_value(), pool_size=1, send=send)
        try:
            async with database.transaction() as tx:
                return await work(tx, found)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except NotMigrated as error:
        raise click.ClickException("The database has no tables yet: run `sigreq migrate` first.") from error
    except (CeremonyBroken, Untrusted) as error:
        document = {"code": "refused", "detail": str(error)}
        raise Failure(f"Refused: {error}", document if is_json else None) from error
    except Problem as problem:
        document = {"code": problem.code, "detail": problem.message, **problem.data}
        raise Failure(problem.message, document if is_json else None) from problem
