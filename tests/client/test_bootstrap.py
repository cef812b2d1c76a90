"""The first administrator of a database that nobody has a key to."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from sigreq.cli.main import main
from sigreq.domain.people import Role
from sigreq.embedded.stack import Addresses, Stack
from sigreq.migrations.run import upgrade
from sigreq.store import people
from tests.store.support import Bench, at

AT_ONCE = 3
COMMAND = ("admin", "bootstrap", "Ada Lovelace")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """A database without tables."""
    with Stack(tmp_path_factory.mktemp("bootstrap") / "data") as running:
        yield running


@pytest.fixture
def migrated(fresh: Addresses) -> Addresses:
    """A database in which nobody has a key that works."""

    async def work(bench: Bench) -> None:
        async with bench.database.transaction() as tx:
            for person in await people.everybody(tx):
                await people.revoke_keys(tx, person.id)

    upgrade(fresh.owner_database_url, fresh.database_url)
    at(fresh.database_url, work)
    return fresh


def settings(addresses: Addresses) -> dict[str, str]:
    """What `serve` would have in its environment."""
    buckets = {
        f"SIGREQ_S3__{bucket}__{part}": "x"
        for bucket in ("SAMPLES", "BUNDLES")
        for part in ("NAME", "ACCESS_KEY", "SECRET_KEY")
    }
    return {
        "SIGREQ_DATABASE__URL": addresses.database_url,
        "SIGREQ_REDIS__URL": addresses.redis_url,
        "SIGREQ_S3__ENDPOINT": addresses.s3_endpoint,
        **buckets,
    }


def bootstrap(addresses: Addresses, *more: str) -> Result:
    """Run the command on this database."""
    return CliRunner().invoke(main, [*COMMAND, *more], env=settings(addresses))


def role_of(addresses: Addresses, key: str) -> Role:
    """What a key is for."""

    async def work(bench: Bench) -> Role:
        async with bench.database.transaction() as tx:
            return (await people.authenticate(tx, key)).role

    return at(addresses.database_url, work)


def test_a_database_without_tables_is_to_be_migrated_first(fresh: Addresses) -> None:
    result = bootstrap(fresh)
    assert result.exit_code == 1
    assert result.stderr == "Error: The database has no tables yet: run `sigreq migrate` first.\n"


def test_the_first_administrator_is_given_a_key_that_works(migrated: Addresses) -> None:
    result = bootstrap(migrated)
    assert (result.exit_code, result.stderr) == (0, "")
    first, key, last = result.stdout.splitlines()
    assert first.startswith("Person ada-lovelace-")
    assert last == "It is not shown again."
    assert role_of(migrated, key.removeprefix("API key: ")) is Role.ADMINISTRATOR


def test_a_second_one_is_refused_while_the_first_has_a_key(migrated: Addresses) -> None:
    made = json.loads(bootstrap(migrated, "--json").stdout)
    assert set(made) == {"id", "key"}
    refused = bootstrap(migrated)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"Error: The administrator {made['id']} exists already.\n"
    told = json.loads(bootstrap(migrated, "--json").stdout)
    assert (told["code"], told["id"]) == ("already_exists", made["id"])


def test_who_has_lost_every_key_can_begin_again(migrated: Addresses) -> None:
    async def work(bench: Bench) -> int:
        async with bench.database.transaction() as tx:
            return await people.revoke_keys(tx, lost["id"])

    lost = json.loads(bootstrap(migrated, "--json").stdout)
    assert at(migrated.database_url, work) == 1
    assert bootstrap(migrated).exit_code == 0


def test_of_several_at_once_one_is_made(migrated: Addresses) -> None:
    command = [sys.executable, "-m", "sigreq", *COMMAND]
    env = {**os.environ, **settings(migrated)}

    async def run() -> list[int | None]:
        pipe = subprocess.DEVNULL
        started = [
            await asyncio.create_subprocess_exec(*command, env=env, stdout=pipe, stderr=pipe) for _ in range(AT_ONCE)
        ]
        return [await each.wait() for each in started]

    assert sorted(asyncio.run(run()), key=str) == [0] + [1] * (AT_ONCE - 1)


def test_an_administrator_without_a_name_is_a_mistake_of_the_command_line(migrated: Addresses) -> None:
    result = CliRunner().invoke(main, ["admin", "bootstrap", " "], env=settings(migrated))
    assert result.exit_code == 2
    assert "needs a name" in result.stderr


def test_missing_settings_are_named() -> None:
    result = CliRunner().invoke(main, [*COMMAND], env={"SIGREQ_DATABASE__URL": None})
    assert result.exit_code == 1
    assert "SIGREQ_DATABASE" in result.stderr
