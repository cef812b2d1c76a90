"""What only one transaction at a time may do."""

from enum import IntEnum

from sqlalchemy import text

from sigreq.transaction import Transaction


class Lock(IntEnum):
    """The advisory locks. The numbers only have to differ, also between versions that run side by side."""

    TAKE = 0x5167_0001
    FEED = 0x5167_0002
    REGISTER = 0x5167_0003
    FIRST_ADMINISTRATOR = 0x5167_0004
    SOLVED = 0x5167_0005
    CORPUS = 0x5167_0006
    REPOSITORY = 0x5167_0008
    CORPUS_BYTES = 0x5167_0009


async def hold(tx: Transaction, lock: Lock) -> None:
    """Wait for the lock and keep it until the transaction ends."""
    await tx.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": int(lock)})


async def share(tx: Transaction, lock: Lock) -> None:
    """The same, but others may share it: only who holds it has to wait."""
    await tx.session.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": int(lock)})


async def ask(tx: Transaction) -> None:
    """Have the database look into a table, to know that it answers and was migrated."""
    await tx.session.execute(text("SELECT 1 FROM submission LIMIT 1"))
