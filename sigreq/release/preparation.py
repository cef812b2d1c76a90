"""Rules are compiled when their version comes out, so that the first case after it does not wait for that."""

from dataclasses import dataclass

import structlog

from sigreq.scanning.published import Rulesets
from sigreq.scanning.scanner import Scanner
from sigreq.store import releases
from sigreq.store.jobs import Lease
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing

log = structlog.get_logger()


@dataclass(frozen=True)
class Preparation:
    """Compiles published rules ahead, in one worker of each track."""

    database: Database
    rulesets: Rulesets
    scanner: Scanner

    async def prepare(self, lease: Lease) -> Finish:
        """Have the rules at hand, unless a later version has come out since: history is imported by the dozen."""
        product, version = lease.args["product"], lease.args["version"]
        async with self.database.transaction() as tx:
            newest = await releases.newest(tx, product)
        if newest is not None and newest.version == version:
            fault = await self.scanner.prepare(await self.rulesets.load(newest.ruleset_digest))
            if fault is not None:
                log.warning("release.not_prepared", product=product, version=version, fault=fault)
        return nothing


async def give_up(_tx: Transaction, lease: Lease, told: str) -> None:
    """Nothing is lost: the first case has the rules compiled."""
    log.warning("release.not_prepared", **lease.args, fault=told)
