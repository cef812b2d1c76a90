"""What an analyst says and concludes about a case they hold."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sigreq.domain import errors, plans
from sigreq.domain.changes import fitting_determinations
from sigreq.domain.lifecycle import Event
from sigreq.domain.people import Actor
from sigreq.domain.submission import Severity
from sigreq.domain.verdict import Determination, Resolution, Verdict
from sigreq.review.claims import holding
from sigreq.store import people, submissions
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
    """What the analyst concludes, and says to the customer."""

    determination: Determination
    final_verdict: Verdict
    message: str


async def ask(tx: Transaction, actor: Actor, submission_id: str, held: int, message: str) -> Submission:
    """Ask the customer for what is missing. All the information needed, asked for at once, is a qualified answer."""
    submission = await submissions.get(tx, submission_id)
    values = {"claim_expires_at": None, "answered_at": submission.answered_at or tx.at}
    move = Move(Event.ASKED, actor, held, holding(actor, tx.at), values, {"message": message})
    return await move_submission(tx, submission_id, move)


async def answer(tx: Transaction, actor: Actor, submission_id: str, held: int, said: Answer) -> Submission:
    """Tell the customer something. Marked as the qualified answer, the first one stops the answer clock."""
    submission = await submissions.get(tx, submission_id)
    values = {"claim_expires_at": tx.at + said.claim}
    if said.is_qualified and submission.answered_at is None:
        values["answered_at"] = tx.at
    data = {"message": said.message, "is_qualified": said.is_qualified}
    move = Move(Event.ANSWERED, actor, held, holding(actor, tx.at), values, data)
    return await move_submission(tx, submission_id, move)


async def determine(tx: Transaction, actor: Actor, submission_id: str, held: int, said: Conclusion) -> Submission:
    """Conclude. Where no change is needed the submission closes at once. Raises DeterminationUnfit."""
    submission = await submissions.get(tx, submission_id)
    fitting = fitting_determinations(submission.kind)
    if said.determination not in fitting:
        allowed = ", ".join(sorted(fitting))
        raise errors.DeterminationUnfit(determination=said.determination, kind=submission.kind, allowed=allowed)
    values = {
        "claim_expires_at": None,
        "determination": said.determination,
        "final_verdict": said.final_verdict,
        "resolution": None,
        "answered_at": submission.answered_at or tx.at,
    }
    data = {"determination": said.determination, "final_verdict": said.final_verdict, "message": said.message}
    move = Move(Event.DETERMINED, actor, held, holding(actor, tx.at), values, data)
    determined = await move_submission(tx, submission_id, move)
    if said.determination.needs_change:
        return determined
    closing = {"resolution": Resolution.NO_CHANGE, "closed_at": tx.at}
    move = Move(Event.CONCLUDED, actor, values=closing, data={"resolution": Resolution.NO_CHANGE})
    return await move_submission(tx, submission_id, move)


async def set_severity(
    tx: Transaction, actor: Actor, submission_id: str, held: int, severity: Severity, reason: str | None
) -> Submission:
    """Change the severity. Raising can only bring the due time forward; lowering needs a reason."""
    submission = await submissions.get(tx, submission_id)
    is_lowered = severity > submission.severity
    if is_lowered and not reason:
        raise errors.ReasonMissing
    plan = await people.plan(tx, submission.plan_id)
    calendars = await people.calendars(tx)
    since = submission.received_at if is_lowered else tx.at
    new = plans.promise(plan, severity, calendars, since)
    due = new.due_at if is_lowered else min(submission.due_at, new.due_at)
    warn = new.warn_at if is_lowered else min(filter(None, [submission.warn_at, new.warn_at]), default=None)
    values = {"severity": int(severity), "due_at": due, "warn_at": warn, "is_guaranteed": new.is_guaranteed}
    data: dict[str, Any] = {"from": submission.severity, "to": int(severity), "reason": reason}
    if new.is_guaranteed:  # the customer reads this: a target that nobody promised is not theirs to see
        data["due_at"] = due.isoformat()
    return await move_submission(tx, submission_id, Move(Event.SEVERITY_CHANGED, actor, held, None, values, data))
