"""A console with a long queue: cases by the thousand from a few real ones, and analysts who are signed in."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from sigreq.access import sign_in
from sigreq.domain.people import Role
from sigreq.embedded.service import Service
from sigreq.sessions import Sessions, SignedIn
from sigreq.store import groups, passwords, people
from sigreq.transaction import Database
from tests.database import rows, write
from tests.feed import at_database, owner_url
from tests.promises import plan
from tests.world import World

RULES, RARE_RULES = 40, 400
BATCH = 10_000

# A tenth of the due times has passed. The workers are not to warn of what nobody has promised.
_CASES = """
    INSERT INTO submission
    SELECT made.* FROM submission original JOIN unnest(cast(:ids AS text[])) WITH ORDINALITY given (id, number)
        ON original.id = (cast(:originals AS text[]))[1 + given.number % cardinality(cast(:originals AS text[]))],
    LATERAL (SELECT
        original.received_at - make_interval(mins => abs(hashtext(given.id)) % 20000) AS received_at,
        original.received_at + make_interval(mins => abs(hashtext('due' || given.id)) % 20000 - 2000) AS due_at) times,
    LATERAL jsonb_populate_record(original, jsonb_build_object(
        'id', given.id,
        'received_at', times.received_at,
        'due_at', times.due_at,
        'warn_at', CASE WHEN original.warn_at IS NOT NULL THEN times.due_at - interval '30 min' END,
        'next_warning_at', NULL,
        'severity', 1 + abs(hashtext(given.id)) % 4,
        'finding', (ARRAY['supported', 'refuted', 'not_reproduced', 'undecided'])[1 + abs(hashtext(given.id)) % 4],
        'detection_name', 'Family.Name.' || abs(hashtext(given.id)) % :rules)) made"""
_FILES = """
    INSERT INTO submission_file
    SELECT made.* FROM submission_file original JOIN unnest(cast(:ids AS text[])) WITH ORDINALITY given (id, number)
        ON original.submission_id = (cast(:originals AS text[]))[1 + number % cardinality(cast(:originals AS text[]))],
    LATERAL jsonb_populate_record(original, jsonb_build_object('submission_id', given.id)) made"""
_SCANS = """
    INSERT INTO scan
    SELECT made.* FROM scan original JOIN unnest(cast(:ids AS text[])) WITH ORDINALITY given (id, number)
        ON original.submission_id = (cast(:originals AS text[]))[1 + number % cardinality(cast(:originals AS text[]))],
    LATERAL jsonb_populate_record(original, jsonb_build_object(
        'id', original.id || '-' || given.id,
        'submission_id', given.id,
        'detections', jsonb_build_array(
            'Family.Name.' || abs(hashtext(given.id)) % :rules,
            'Rare.Name.' || abs(hashtext('rare' || given.id)) % :rare))) made"""

_RULES = """
    INSERT INTO rule_hit
    SELECT DISTINCT submission_id, hit.rule
    FROM scan, jsonb_array_elements_text(detections) AS hit(rule) WHERE submission_id = ANY(cast(:ids AS text[]))"""


@dataclass(frozen=True)
class Analyst:
    """Somebody who is signed in, and the cookie that says so."""

    session: SignedIn
    cookie: str


def fill(service: Service, world: World, count: int) -> None:
    """Have so many cases wait: of four plans, with customers, due times, severities and rules spread over them."""
    plans = [
        plan(world),
        plan(world, is_guaranteed=False),
        plan(world, track="standard", is_guaranteed=False),
        "standard",
    ]
    product = world.product()
    originals = [world.queued(world.customer(each), product)["id"] for each in plans]
    # The form of an identifier, not its check symbol: nobody opens them.
    spread = "SELECT upper(substr(md5(n::text), 1, 12)) FROM generate_series(1, :n) n"
    parts = [f"SR-{each[:4]}-{each[4:8]}-{each[8:]}" for (each,) in rows(service, spread, n=count - len(originals))]
    for start in range(0, len(parts), BATCH):
        ids = parts[start : start + BATCH]
        write(service, _CASES, ids=ids, originals=originals, rules=RULES)
        write(service, _FILES, ids=ids, originals=originals)
        write(service, _SCANS, ids=ids, originals=originals, rules=RULES, rare=RARE_RULES)
        write(service, _RULES, ids=ids)
    asyncio.run(_tidy(owner_url(service)))


async def _tidy(url: str) -> None:
    """What PostgreSQL does by itself in its own time."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for table in ("submission", "submission_file", "scan", "rule_hit"):
            await connection.execute(text(f"VACUUM ANALYZE {table}"))
    await engine.dispose()


def signed_in(service: Service, count: int) -> list[Analyst]:
    """So many new analysts, each with a session of their own."""

    async def work(database: Database) -> list[Analyst]:
        hashed = await sign_in.hash_of("one for all of them, which is quick")
        sessions = Sessions(service.env["SIGREQ_REDIS__URL"])
        found = []
        for number in range(count):
            async with database.transaction() as tx:
                person = await people.add_person(tx, f"Analyst {number}", Role.ANALYST, None)
                await groups.join(tx, groups.FIRST, person.id)
                link, _ = await passwords.make_link(tx, person.id, None, sign_in.LINK_LIVES)
                row = await passwords.use(tx, link, hashed)
            token, session = await sessions.begin(person.id, row.changed_at.isoformat())
            found.append(Analyst(session, f"sigreq-session={token}"))
        await sessions.close()
        return found

    return at_database(service.env["SIGREQ_DATABASE__URL"], work)
