"""What has run out by the clock and must be written down: extras, and the relief of cases."""

from sigreq.domain.extras import Ending
from sigreq.domain.lifecycle import Event, State
from sigreq.store import extra_notes, extras, submissions
from sigreq.store.moves import Move, move_submission, note_relief_ended
from sigreq.transaction import Database, Transaction
from sigreq.upkeep.apart import apart


async def end_expired_extras(database: Database) -> None:
    """End what is past its time, one transaction each; customers are told, and a case without relief is flagged."""
    async with database.transaction() as tx:
        expired = [(each.id, each.change_id, each.submission_id) for each in await extras.expired(tx)]
    for extra_id, change_id, submission_id in expired:
        with apart(extra_id):
            async with database.transaction() as tx:
                await _end(tx, extra_id, change_id, submission_id)


async def _end(tx: Transaction, extra_id: str, change_id: str | None, submission_id: str | None) -> None:
    if submission_id is None:
        await submissions.lock_helped_by(tx, change_id or "")  # before the extra, as everybody
        await extra_notes.note_ended(tx, await extras.end(tx, [extra_id], Ending.EXPIRED), None)
        return
    submission = await submissions.lock(tx, submission_id)  # before the relief, as everybody
    ended = await extras.end(tx, [extra_id], Ending.EXPIRED)
    if ended:
        told = await note_relief_ended(tx, submission, ended, None)
        if told.state is not State.CLOSED:
            flag = {"needs_attention": "relief_expired"}
            await move_submission(tx, submission_id, Move(Event.ATTENTION_RAISED, values=flag))
