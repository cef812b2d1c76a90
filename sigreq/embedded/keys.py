"""The first people and their keys: without them nobody could make others."""

import asyncio
import json
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


def first_keys(database_url: str, kept: Path) -> dict[str, str]:
    """A key for each role, made once and kept in a file only its owner can read; the database has their hashes."""
    if kept.exists():
        keys: dict[str, str] = json.loads(kept.read_text())
        return keys
    keys = asyncio.run(_make(database_url))
    write_private(kept, json.dumps(keys, indent=2))
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
