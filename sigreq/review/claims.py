"""Who has which case: taking the next, claiming one, giving it back."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sigreq.domain import errors
from sigreq.domain.lifecycle import ChangeState, Event, State
from sigreq.domain.people import Actor, Role
from sigreq.store import groups, locks, queues, submissions
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, move_submission
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


async def take_next(tx: Transaction, actor: Actor, length: timedelta) -> Submission | None:
    """Give the actor the first case of the queue that is open to them; None when there is none.

    Takes are serialised, so the `taken` events replay to the order of `domain/queueing`. Only cases of the actor's
    own groups are given.
    """
    await _stand_in_line(tx)
    view = queues.View(await groups.of(tx, actor), not_barred=actor.person_id)
    while (found := await queues.next_case(tx, view)) is not None:
        row = await submissions.lock(tx, found.id)
        if row.state is State.QUEUED:  # else its customer has just withdrawn it
            return await _take(tx, actor, row.id, None, length, "next")
    return None


async def claim(tx: Transaction, actor: Actor, submission_id: str, held: int, length: timedelta) -> Submission:
    """Take this very case, or keep it longer. Raises ClaimHeld, AnotherAnalystNeeded, StateForbids, RevisionStale."""
    await _stand_in_line(tx)
    row = await submissions.lock(tx, submission_id)  # what is decided here holds: upkeep lapses claims at the same time
    mine = await groups.of(tx, actor)
    if actor.role is Role.ANALYST and mine is not None and row.group_id not in mine:
        raise errors.GroupForeign(id=row.id, group=row.group_id)
    if row.claim_expires_at is not None and row.claim_expires_at <= tx.at:  # upkeep has not come by yet
        lapse = Move[Submission](Event.CLAIM_LAPSED, None, held, values={"claim_expires_at": None})
        await move_submission(tx, submission_id, lapse)
        return await _take(tx, actor, submission_id, None, length, "claim")
    if row.state is State.IN_ANALYSIS and row.analyst_id == actor.person_id:
        values = {"claim_expires_at": tx.at + length}
        return await move_submission(
            tx, submission_id, Move(Event.CLAIM_RENEWED, actor, held, holding(actor, tx.at), values)
        )
    if row.state in {State.AWAITING_CUSTOMER, State.DETERMINED}:
        return await _resume(tx, actor, row, held, length)
    return await _take(tx, actor, submission_id, held, length, "claim")


async def _resume(tx: Transaction, actor: Actor, row: Submission, held: int, length: timedelta) -> Submission:
    """Work on again what waits for a customer who does not write, or for a change that does not come.

    Raises StateForbids while a change for it is on its way to a release, AnotherAnalystNeeded.
    """
    _check_fresh(actor, row, is_override=actor.role is Role.LEAD)
    on_their_way = {ChangeState.APPROVED, ChangeState.PICKED_UP}
    if any(change.state in on_their_way for change in await submissions.changes_of(tx, row.id)):
        allowed = "no change for it is on its way to a release"
        raise errors.StateForbids(what="Submission", id=row.id, state=row.state, action="claim", allowed=allowed)
    values = {"analyst_id": actor.person_id, "claim_expires_at": tx.at + length}
    return await move_submission(tx, row.id, Move(Event.RESUMED, actor, held, None, values))


async def give_back(tx: Transaction, actor: Actor, submission_id: str, held: int, reason: str | None) -> Submission:
    """Put the case back where it stood in the queue."""
    values = {"claim_expires_at": None}
    move = Move(Event.GIVEN_BACK, actor, held, holding(actor, tx.at), values, {"reason": reason})
    return await move_submission(tx, submission_id, move)


def holding(actor: Actor, now: datetime) -> Callable[[Submission], None]:
    """A check for moves that only the holder of a live claim may make. Raises ClaimHeld, ClaimLapsed."""

    def check(row: Submission) -> None:
        ends = row.claim_expires_at
        if row.state is State.IN_ANALYSIS and row.analyst_id != actor.person_id and ends is not None:
            raise errors.ClaimHeld(id=row.id, holder=row.analyst_id or "nobody", until=ends)
        is_back = row.state is State.QUEUED and row.analyst_id == actor.person_id
        if is_back or (ends is not None and ends <= now):
            raise errors.ClaimLapsed(id=row.id)

    return check


async def _stand_in_line(tx: Transaction) -> None:
    """Wait for everybody who is taking; the time is taken after that, so that times follow the order of the takes."""
    await locks.hold(tx, Lock.TAKE)
    tx.look_at_the_clock()


def _check_fresh(actor: Actor, row: Submission, *, is_override: bool) -> None:
    """Who has decided a case does not decide the dispute about it. Raises AnotherAnalystNeeded."""
    if actor.person_id in row.barred and not is_override:
        raise errors.AnotherAnalystNeeded(id=row.id)


async def _take(
    tx: Transaction, actor: Actor, submission_id: str, held: int | None, length: timedelta, how: str
) -> Submission:
    # Where everybody has decided it once, a lead may still claim it: somebody has to.
    is_override = actor.role is Role.LEAD and how == "claim"

    def check(row: Submission) -> None:
        if row.state is State.IN_ANALYSIS and row.claim_expires_at is not None:
            raise errors.ClaimHeld(id=row.id, holder=row.analyst_id or "nobody", until=row.claim_expires_at)
        _check_fresh(actor, row, is_override=is_override)

    values = {"analyst_id": actor.person_id, "claim_expires_at": tx.at + length}
    return await move_submission(tx, submission_id, Move(Event.TAKEN, actor, held, check, values, {"how": how}))
