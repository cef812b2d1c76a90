"""What the customer says after submitting."""

from datetime import timedelta

from sigreq.domain.clock import Happening
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor
from sigreq.domain.verdict import Resolution
from sigreq.store import clocks, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


async def reply(
    tx: Transaction, actor: Actor, submission_id: str, held: int | None, message: str, claim: timedelta
) -> Submission:
    """Answer our question, which brings the case back to its analyst; at any other time, a comment."""
    submission = await submissions.get(tx, submission_id, actor)
    if submission.state is State.AWAITING_CUSTOMER:
        values = {"claim_expires_at": tx.at + claim}
        move = Move(Event.REPLIED, actor, held, None, values, {"message": message})
    else:
        move = Move(Event.COMMENTED, actor, held, data={"message": message})
    return await move_submission(tx, submission_id, move)


async def withdraw(
    tx: Transaction, actor: Actor, submission_id: str, held: int | None, reason: str | None
) -> Submission:
    """Close at the customer's wish. Changes already on their way stay: other submissions may share them."""
    await submissions.get(tx, submission_id, actor)
    values = {"resolution": Resolution.WITHDRAWN, "closed_at": tx.at, "claim_expires_at": None}
    return await move_submission(
        tx, submission_id, Move(Event.WITHDRAWN, actor, held, None, values, {"reason": reason})
    )


async def confirm(tx: Transaction, actor: Actor, submission_id: str, held: int | None) -> Submission:
    """The customer sees the fix work."""
    await submissions.get(tx, submission_id, actor)
    return await move_submission(tx, submission_id, Move(Event.CONFIRMED, actor, held, None, {"closed_at": tx.at}))


async def reopen(
    tx: Transaction, actor: Actor, submission_id: str, held: int | None, event: Event, message: str
) -> Submission:
    """Still happens, or disputed: a new answer clock, and an analyst who has not decided it before."""
    submission = await submissions.lock(tx, submission_id, actor)
    values = {
        **await clocks.values_after(tx, submission, Happening(event, tx.at)),
        "barred_person": submission.analyst_id,
        "analyst_id": None,
        "closed_at": None,
        "resolution": None,
        "fixed_at": None,
    }
    return await move_submission(tx, submission_id, Move(event, actor, held, None, values, {"message": message}))
