"""Warns the on-call before and when a guaranteed answer is late: one row for each percent, told at least once."""

from sigreq.domain.clock import ClockOutcome
from sigreq.store import clocks, jobs, submissions, warnings
from sigreq.transaction import Database, Transaction
from sigreq.upkeep.apart import apart


async def warn(database: Database) -> None:
    """Write the warnings that are due, one submission at a time."""
    async with database.transaction() as tx:
        due = await submissions.with_due_warning(tx)
    for submission_id in due:
        with apart(submission_id):
            async with database.transaction() as tx:
                await _warn_about(tx, submission_id)


async def _warn_about(tx: Transaction, submission_id: str) -> None:
    submission = await submissions.lock(tx, submission_id)
    clock = (await clocks.clocks(tx, submission))[-1]
    written = await clocks.warnings_written(tx, submission_id, clock.number)
    is_watched = clock.outcome is ClockOutcome.RUNNING and clock.goal.is_guaranteed
    for percent, at in clock.warnings if is_watched else ():
        if at <= tx.at and percent not in written:
            warning = await warnings.add(tx, submission_id, clock, percent)
            for channel in ("mail", "webhook"):
                args = {"warning_id": warning, "channel": channel}
                jobs.add(tx, jobs.JobName.WARN, submission.track, args)
            written.add(percent)
    await warnings.plan_next(tx, submission_id, clocks.kept(clock, written)["next_warning_at"])
