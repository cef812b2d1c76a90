"""The same words for many cases, as when one bad rule hit them all."""

from dataclasses import dataclass
from datetime import timedelta

from sigreq.domain.people import Actor
from sigreq.review import claims, decisions
from sigreq.review.decisions import Answer, Conclusion
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Chosen:
    """A case, and the revision that was seen when it was chosen."""

    submission_id: str
    held: int


async def decide(
    tx: Transaction, actor: Actor, chosen: Chosen, said: Answer | Conclusion, claim: timedelta
) -> Submission:
    """Claim the case and say this, as one: a case of which this cannot be said is claimed by nobody.

    For one case in a transaction of its own; locks of several would cross those of others. Raises what `claims.claim`,
    `decisions.answer` and `decisions.determine` raise.
    """
    row = await claims.claim(tx, actor, chosen.submission_id, chosen.held, claim)
    if isinstance(said, Answer):
        return await decisions.answer(tx, actor, row.id, row.revision, said)
    return await decisions.determine(tx, actor, row.id, row.revision, said)
