"""What an analyst says and concludes about a case they hold."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sigreq.domain import errors
from sigreq.domain.clock import Happening
from sigreq.domain.lifecycle import Event
from sigreq.domain.people import Actor
from sigreq.domain.submission import PremiumStep, Severity
from sigreq.domain.verdict import Determination, Resolution, Verdict, fitting_determinations
from sigreq.review.claims import holding
from sigreq.store import clocks, contracts, proofs, solved, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Answer:
    """What is said to the customer. `claim` is how long the case stays the analyst's from here on."""

    message: str
    is_qualified: bool
    claim: timedelta


@dataclass(frozen=True)
class Conclusion:
    """What the analyst concludes, and says to the customer: always a qualified answer."""

    determination: Determination
    final_verdict: Verdict
    message: str


async def ask(tx: Transaction, actor: Actor, submission_id: str, held: int, said: Answer) -> Submission:
    """Ask the customer for what is missing. Asking for all the information needed can be the qualified answer."""
    values = {"claim_expires_at": None}
    data = {"message": said.message, "is_qualified": said.is_qualified}
    move = Move(Event.ASKED, actor, held, holding(actor, tx.at), values, data)
    return await _say(tx, submission_id, move, is_qualified=said.is_qualified)


async def answer(tx: Transaction, actor: Actor, submission_id: str, held: int, said: Answer) -> Submission:
    """Tell the customer something. Marked as the qualified answer, the first one stops the answer clock."""
    values = {"claim_expires_at": tx.at + said.claim}
    data = {"message": said.message, "is_qualified": said.is_qualified}
    move = Move(Event.ANSWERED, actor, held, holding(actor, tx.at), values, data)
    return await _say(tx, submission_id, move, is_qualified=said.is_qualified)


async def determine(tx: Transaction, actor: Actor, submission_id: str, held: int, said: Conclusion) -> Submission:
    """Conclude. Where no change is needed the submission closes at once.

    One that is out already, and was not tried on the case yet, is tried now. Raises DeterminationUnfit, VerdictUnfit.
    """
    submission = await submissions.get(tx, submission_id)
    fitting = fitting_determinations(submission.kind)
    if said.determination not in fitting:
        allowed = ", ".join(sorted(fitting))
        raise errors.DeterminationUnfit(determination=said.determination, kind=submission.kind, allowed=allowed)
    if said.final_verdict not in said.determination.verdicts:
        allowed = ", ".join(sorted(said.determination.verdicts))
        raise errors.VerdictUnfit(determination=said.determination, verdict=said.final_verdict, allowed=allowed)
    values = {
        "claim_expires_at": None,
        "determination": said.determination,
        "determined_at": tx.at,
        "final_verdict": said.final_verdict,
        "resolution": None,
    }
    data = {
        "determination": said.determination,
        "final_verdict": said.final_verdict,
        "message": said.message,
        "is_qualified": True,
    }
    move = Move(Event.DETERMINED, actor, held, holding(actor, tx.at), values, data)
    determined = await _say(tx, submission_id, move, is_qualified=True)
    if said.determination.needs_change:
        await proofs.lay_aside(tx, submission_id, proofs.UNAPPROVED)
        await proofs.prove_if_complete(tx, determined)
        return determined
    closing: dict[str, Any] = {"resolution": Resolution.NO_CHANGE, "closed_at": tx.at}
    if solved.is_solved_by(said.determination, said.final_verdict):
        closing["solved_number"] = await solved.next_number(tx, determined.product_id)
    move = Move(Event.CONCLUDED, actor, values=closing, data={"resolution": Resolution.NO_CHANGE})
    return await move_submission(tx, submission_id, move)


async def set_severity(
    tx: Transaction, actor: Actor, submission_id: str, held: int, severity: Severity, reason: str | None
) -> Submission:
    """Change the severity. Raising can only bring the due time forward; lowering needs a reason."""
    submission = await submissions.lock(tx, submission_id)
    if severity > submission.severity and not reason:
        raise errors.ReasonMissing
    happening = Happening(Event.SEVERITY_CHANGED, tx.at, severity)
    values = {"severity": int(severity), **await clocks.values_after(tx, submission, happening)}
    data: dict[str, Any] = {"from": submission.severity, "to": int(severity), "reason": reason}
    if values["is_guaranteed"]:  # the customer reads this: a target that nobody promised is not theirs to see
        data["due_at"] = values["due_at"].isoformat()
    return await move_submission(tx, submission_id, Move(Event.SEVERITY_CHANGED, actor, held, None, values, data))


async def explain_miss(tx: Transaction, actor: Actor, submission_id: str, held: int, reason: str) -> Submission:
    """Say, for the report, why an answer came late."""
    move = Move[Submission](Event.MISS_EXPLAINED, actor, held, data={"reason": reason})
    return await move_submission(tx, submission_id, move)


async def _say(tx: Transaction, submission_id: str, move: Move[Submission], *, is_qualified: bool) -> Submission:
    """Make a move that tells the customer something; the qualified answer ends the clock and costs the incident."""
    submission = await submissions.lock(tx, submission_id)
    happening = Happening(Event(move.event), tx.at, is_qualified=is_qualified)
    clocked = await clocks.values_after(tx, submission, happening)
    moved = await move_submission(tx, submission_id, replace(move, values={**clocked, **(move.values or {})}))
    if is_qualified:
        await contracts.settle(tx, moved, PremiumStep.COMMITTED)
    return moved
