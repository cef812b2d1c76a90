"""What nobody else would notice: lost hints, lapsed claims, proofs that nobody asked for, fixes without an echo."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sigreq.domain.errors import ClaimHeld
from sigreq.domain.lifecycle import Event
from sigreq.domain.submission import Track
from sigreq.settings import Analysis, Jobs
from sigreq.store import jobs, locks, proofs, submissions
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, move_submission
from sigreq.tables.submissions import Submission
from sigreq.transaction import Database, Hint
from sigreq.upkeep.apart import apart


async def find_jobs(database: Database, queue: Track, settings: Jobs) -> Sequence[Hint]:
    """Jobs whose hint was lost, or whose worker was."""
    async with database.transaction() as tx:
        return await jobs.forgotten(tx, queue, settings.hint_again_after)


async def lapse_claims(database: Database) -> None:
    """Put cases back whose analyst has gone silent."""
    async with database.transaction() as tx:
        lapsed = await submissions.with_lapsed_claim(tx)
    for submission_id in lapsed:
        await _move(database, submission_id, Event.CLAIM_LAPSED)


async def prove_forgotten(database: Database) -> None:
    """Send those cases to proof that nobody has sent: an earlier version knew of no reason to."""
    async with database.transaction() as tx:
        found = await proofs.forgotten(tx)
    for submission_id in found:
        with apart(submission_id):
            async with database.transaction() as tx:
                case = await submissions.lock(tx, submission_id)
                if await proofs.forgotten(tx, submission_id):  # a worker of the other track may have been quicker
                    await proofs.prove_if_complete(tx, case)


async def close_silent(database: Database, settings: Analysis) -> None:
    """Close fixes that the customer has not contradicted for long enough."""
    async with database.transaction() as tx:
        silent = await submissions.fixed_before(tx, tx.at - settings.silence)
    for submission_id in silent:
        await _move(database, submission_id, Event.CLOSED_AFTER_SILENCE)


async def _move(database: Database, submission_id: str, event: Event) -> None:
    """One transaction each; whoever moved it, or renewed the claim, in between was right."""
    with apart(submission_id):
        async with database.transaction() as tx:
            is_lapse = event is Event.CLAIM_LAPSED
            if is_lapse:  # in the line of those who take: whoever takes it next does so after this, by the clock too
                await locks.hold(tx, Lock.TAKE)
                tx.look_at_the_clock()
            values = {"claim_expires_at": None} if is_lapse else {"closed_at": tx.at}
            check = partial(_refuse_live_claim, tx.at) if is_lapse else None
            await move_submission(tx, submission_id, Move(event, check=check, values=values))


def _refuse_live_claim(now: datetime, row: Submission) -> None:
    if row.claim_expires_at is not None and row.claim_expires_at >= now:
        raise ClaimHeld(id=row.id, holder=row.analyst_id or "nobody", until=row.claim_expires_at)
