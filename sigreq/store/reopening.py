"""What a case that comes back starts with: a new answer clock, and nothing of what was concluded."""

from typing import Any

from sigreq.domain.clock import Happening, Terms
from sigreq.domain.lifecycle import Event
from sigreq.store import clocks, proofs
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

# What a decision left in the row; the events keep it.
_CONCLUDED = (
    "analyst_id",
    "closed_at",
    "resolution",
    "fixed_at",
    "fixed_in",
    "solved_number",
    "determination",
    "determined_at",
    "final_verdict",
    "needs_attention",
)


async def begin(tx: Transaction, submission: Submission, event: Event) -> dict[str, Any]:
    """Start the case, which must be locked, anew: the values for the UPDATE that reopens it by this event.

    What is out by now did not help it, and is not tried on it again.
    """
    await proofs.lay_aside(tx, submission.id, proofs.OUT)
    coming = Happening(event, tx.at)
    clock = (await clocks.clocks(tx, submission, coming))[-1]
    return {
        **await clocks.values_after(tx, submission, coming),
        "phone_needed_until": await clocks.call_needed_until(tx, clock, Terms.from_document(submission.terms)),
        **dict.fromkeys(_CONCLUDED),
    }
