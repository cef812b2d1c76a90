"""What the customer says after submitting."""

from datetime import timedelta

from sigreq.domain.clock import Happening
from sigreq.domain.errors import StateForbids
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor
from sigreq.domain.submission import PremiumStep
from sigreq.domain.verdict import Resolution
from sigreq.store import clocks, contracts, reopening, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


async def reply(
    tx: Transaction, actor: Actor, submission_id: str, held: int | None, message: str, claim: timedelta
) -> Submission:
    """Answer our question, which brings the case back to its analyst; at any other time, a comment."""
    submission = await submissions.lock(tx, submission_id, actor)
    if submission.state is State.AWAITING_CUSTOMER:
        values = {"claim_expires_at": tx.at + claim}
        move = Move(Event.REPLIED, actor, held, None, values, {"message": message})
    else:
        move = Move(Event.COMMENTED, actor, held, data={"message": message})
    return await move_submission(tx, submission_id, move)


async def withdraw(
    tx: Transaction, actor: Actor, submission_id: str, held: int | None, reason: str | None
) -> Submission:
    """Close at the customer's wish; a premium incident that no answer has cost yet is theirs again.

    Changes already on their way stay: other submissions may share them.
    """
    submission = await submissions.lock(tx, submission_id, actor)
    values = {
        **await clocks.values_after(tx, submission, Happening(Event.WITHDRAWN, tx.at)),
        "answered_at": submission.answered_at,  # the clock has ended, without an answer
        "phone_needed_until": None,
        "resolution": Resolution.WITHDRAWN,
        "closed_at": tx.at,
        "claim_expires_at": None,
    }
    move = Move(Event.WITHDRAWN, actor, held, None, values, {"reason": reason})
    moved = await move_submission(tx, submission_id, move)
    await contracts.settle(tx, moved, PremiumStep.RELEASED)
    return moved


async def confirm(tx: Transaction, actor: Actor, submission_id: str, held: int | None) -> Submission:
    """The customer sees the fix work."""
    await submissions.get(tx, submission_id, actor)
    return await move_submission(tx, submission_id, Move(Event.CONFIRMED, actor, held, None, {"closed_at": tx.at}))


async def reopen(
    tx: Transaction, actor: Actor, submission_id: str, held: int | None, event: Event, message: str
) -> Submission:
    """Still happens, or disputed: a new answer clock, and an analyst who has neither held nor ever decided it."""
    submission = await submissions.lock(tx, submission_id, actor)
    if submission.resolution is Resolution.WITHDRAWN:
        allowed = "fixed, or closed by us"
        raise StateForbids(what="Submission", id=submission.id, state="withdrawn", action=event, allowed=allowed)
    deciders = {submission.analyst_id} | await submissions.deciders(tx, submission.id)
    values = {
        **await reopening.begin(tx, submission, event),
        "barred": sorted({*submission.barred, *filter(None, deciders)}),
    }
    return await move_submission(tx, submission_id, Move(event, actor, held, None, values, {"message": message}))
