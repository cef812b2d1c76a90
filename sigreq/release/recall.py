"""A published version is taken back: what it fixed is not fixed any more, and who stands on it is told."""

from sigreq.domain.extras import Ending
from sigreq.domain.lifecycle import ChangeEvent, Event, State
from sigreq.domain.people import Actor
from sigreq.release.changes import announce_approved
from sigreq.store import changes, extra_notes, extras, locks, proofs, releases, submissions, withdrawn
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, move_change, move_submission
from sigreq.tables.releases import Release
from sigreq.transaction import Transaction
from sigreq.trust.keyring import Keyring
from sigreq.trust.targets import publish_soon


async def withdraw_release(tx: Transaction, keyring: Keyring, actor: Actor, product: str, version: str) -> Release:
    """Withdraw a version; doing so twice is no error. The live one before it is the latest again.

    Its changes go back to the feed, its fixes back to waiting, and every open submission made under it is told. A
    customer who has confirmed already is not told again: the case is flagged for an analyst. Raises NotFound.
    """
    await locks.hold(tx, Lock.REGISTER)  # in the order of publishing
    await locks.hold(tx, Lock.FEED)  # before any row, as everybody who writes to the feed
    before = await releases.release(tx, product, version)
    if before.withdrawn_at is not None:
        return before
    row = await releases.withdraw(tx, product, version)
    recalled = [each.id for each in await changes.published_in(tx, product, version)]
    for change_id in recalled:
        data = {"version": version}
        values = {"published_in": None}
        moved = await move_change(tx, change_id, Move(ChangeEvent.RELEASE_WITHDRAWN, actor, None, None, values, data))
        await announce_approved(tx, keyring, moved)
    publish_soon(tx)
    on_it = await extras.standing_on(tx, product, version)
    helped = await submissions.ids_helped_by(tx, [*recalled, *(each.change_id for each in on_it if each.change_id)])
    fixed_in_it, made_under_it = await submissions.lock_concerned(tx, product, version, helped)
    await extra_notes.note_ended(
        tx, await extras.end(tx, [each.id for each in on_it], Ending.BASE_WITHDRAWN, actor), actor
    )
    for change_id in recalled:
        await proofs.take_up_change(tx, change_id)  # also by a case that came back since: it did not stay out
    for submission_id in fixed_in_it:
        await _unfix(tx, actor, submission_id, version)
    await withdrawn.tell(tx, actor, row, made_under_it)
    return row


async def _unfix(tx: Transaction, actor: Actor, submission_id: str, version: str) -> None:
    submission = await submissions.get(tx, submission_id)
    data = {"version": version}
    if submission.state is State.FIXED:
        unfixed = dict.fromkeys(("fixed_in", "fixed_at", "resolution", "solved_number"))
        moved = await move_submission(tx, submission_id, Move(Event.FIX_WITHDRAWN, actor, values=unfixed, data=data))
        await proofs.take_up(tx, submission_id)
        await proofs.prove_if_complete(tx, moved)
        return
    flag = {"needs_attention": "fix_withdrawn"}
    await move_submission(tx, submission_id, Move(Event.ATTENTION_RAISED, actor, values=flag, data=data))
