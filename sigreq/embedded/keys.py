"""The first people and their keys: without them nobody could make others."""

import asyncio
from pathlib import Path

from sigreq.access.sign_in import LINK_LIVES
from sigreq.domain.people import Role
from sigreq.embedded.process import write_private
from sigreq.store import contracts, groups, passwords, people
from sigreq.tables.people import Organisation
from sigreq.transaction import Database

EXAMPLE = ("example", "Example Ltd")
PLAN = "msa_business"
PEOPLE = {
    "customer": ("Example customer", Role.CUSTOMER),
    "analyst": ("Example analyst", Role.ANALYST),
    "lead": ("Example lead", Role.LEAD),
    "release": ("Release tooling", Role.RELEASE),
    "administrator": ("Administrator", Role.ADMINISTRATOR),
}


def first_keys(database_url: str, folder: Path) -> dict[str, str]:
    """A key for each role, made once; each in a file of its own that only its owner can read, as `--key-file` takes it.

    The database has their hashes alone.
    """
    if all((folder / name).exists() for name in PEOPLE):
        return {name: (folder / name).read_text().strip() for name in PEOPLE}
    keys = asyncio.run(_make(database_url))
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, key in keys.items():
        write_private(folder / name, key + "\n")
    return keys


def first_links(database_url: str, keys: dict[str, str]) -> dict[str, str]:
    """Where each of the first people who has no password yet sets one, as the path of a page; each works once."""
    return asyncio.run(_links(database_url, keys))


async def _links(database_url: str, keys: dict[str, str]) -> dict[str, str]:
    links = {}
    database = Database(database_url, pool_size=1, send=_nothing_leaves)
    try:
        async with database.transaction() as tx:
            for label in (each for each in keys if each != "release"):  # which is no person
                person_id = (await people.authenticate(tx, keys[label])).person_id
                if await passwords.of(tx, person_id) is None:
                    _, token = await passwords.make_link(tx, person_id, label, LINK_LIVES)
                    links[label] = f"/password/{token}"
        return links
    finally:
        await database.close()


async def _nothing_leaves(_: object) -> None:
    """No job is made here."""


async def _make(database_url: str) -> dict[str, str]:
    database = Database(database_url, pool_size=1, send=_nothing_leaves)
    try:
        async with database.transaction() as tx:
            organisation = await tx.session.get(Organisation, EXAMPLE[0])
            if organisation is None:
                organisation = await people.add_organisation(tx, *EXAMPLE)
                await contracts.add(tx, organisation.id, PLAN, tx.at, None)
            keys = {}
            for label, (name, role) in PEOPLE.items():
                belongs = organisation.id if role is Role.CUSTOMER else None
                person = await people.add_person(tx, name, role, belongs)
                if role in {Role.ANALYST, Role.LEAD}:
                    await groups.join(tx, groups.FIRST, person.id)
                keys[label] = await people.issue_key(tx, person)
            return keys
    finally:
        await database.close()
