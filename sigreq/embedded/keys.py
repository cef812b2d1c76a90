"""The first people and their keys: without them nobody could make others."""

import asyncio
from pathlib import Path

from sigreq.domain.people import Role
from sigreq.embedded.process import write_private
from sigreq.store import contracts, groups, people
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


async def _make(database_url: str) -> dict[str, str]:
    async def send(_: object) -> None:
        """Nothing leaves: no job is made here."""

    database = Database(database_url, pool_size=1, send=send)
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
