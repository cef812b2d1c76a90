"""Drafting, testing and approving signature changes."""

from collections.abc import Sequence
from typing import Any

from sigreq.domain import errors, release_errors
from sigreq.domain.changes import HELPFUL, AddedHash, AllowedHash, ChangeKind, PayloadUnfit, content_of
from sigreq.domain.extras import Ending, goes_at_once
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeEvent, ChangeState, Event, State
from sigreq.domain.people import Actor
from sigreq.domain.reasons import KindUnhelpful, NoSubmission, ProductsDiffer, SampleForeign
from sigreq.domain.signing import KeyRole
from sigreq.domain.statements import CHANGE_TYPE, change_document
from sigreq.domain.submission import Track
from sigreq.domain.trains import departure
from sigreq.release import gate
from sigreq.store import changes, extra_notes, extras, feed, files, known, locks, proofs, submissions, trains
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, begin_change, move_change, move_submission
from sigreq.tables.releases import Change, ChangeRevision, ChangeSubmission, FeedEntry
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from sigreq.trust.keyring import Keyring


async def draft(
    tx: Transaction, actor: Actor, submission_ids: Sequence[str], kind: ChangeKind, payload: dict[str, str]
) -> Change:
    """Write down a change for determined submissions of one product. Raises ChangeUnfit, StateForbids, NotFound."""
    await submissions.lock_all(tx, submission_ids)  # what is determined now is so until the change is there
    helped = [await submissions.get(tx, submission_id) for submission_id in dict.fromkeys(submission_ids)]
    _check_submissions(helped, kind)
    await _check_payload(tx, helped, kind, payload)
    is_expedited = any(each.track is Track.EXPEDITED for each in helped)
    row = Change(
        id=new_identifier("CH"),
        product_id=helped[0].product_id,
        kind=kind,
        track=Track.EXPEDITED if is_expedited else Track.STANDARD,
        state=ChangeState.DRAFTED,
        revision=0,
        rev=1,
        created_at=tx.at,
    )
    await begin_change(tx, row, actor, {"submission_ids": [each.id for each in helped], "rev": 1})
    _write_revision(tx, row.id, 1, payload, actor)
    for each in helped:
        tx.session.add(ChangeSubmission(change_id=row.id, submission_id=each.id))
    await tx.session.flush()
    return row


async def revise(tx: Transaction, actor: Actor, change_id: str, held: int, payload: dict[str, str]) -> Change:
    """Edit: a new revision, which has to be tested and approved anew."""
    change = await changes.get(tx, change_id)
    await _check_payload(tx, await submissions.helped_by(tx, change_id), change.kind, payload)
    rev = change.rev + 1
    values = {"rev": rev, "gate_id": None, "approved_by": None}
    moved = await move_change(tx, change_id, Move(ChangeEvent.REVISED, actor, held, None, values, {"rev": rev}))
    _write_revision(tx, change_id, rev, payload, actor)
    await tx.session.flush()
    return moved


async def start_test(tx: Transaction, actor: Actor, change_id: str, held: int) -> Change:
    """Send the change through the gate, in the background."""
    run = await gate.begin_change(tx, actor, await changes.get(tx, change_id))
    move = Move[Change](ChangeEvent.TEST_STARTED, actor, held, None, {"gate_id": run.id}, {"gate": run.id})
    return await move_change(tx, change_id, move)


async def approve(tx: Transaction, keyring: Keyring, actor: Actor, change_id: str, held: int) -> Change:
    """Release the change to the feed, signed. Raises FourEyes for its writer, GatePassStale, ServiceUnavailable."""
    await locks.hold(tx, Lock.FEED)  # before any row, as in `publish`: else each could wait for the other
    change = await changes.get(tx, change_id)
    writers = await changes.writers(tx, change_id)

    def check(row: Change) -> None:
        if row.state is ChangeState.TESTED and actor.person_id in writers:
            raise release_errors.FourEyes(id=change_id, rev=change.rev)

    moved = await move_change(
        tx, change_id, Move(ChangeEvent.APPROVED, actor, held, check, {"approved_by": actor.person_id})
    )
    content = await changes.content(tx, moved)
    await gate.check_change(tx, moved, content)
    helped = await submissions.helped_by(tx, change_id)
    if isinstance(content, AllowedHash):  # it may have become known since it was drafted
        for each in helped:
            await known.check_allowed(tx, each, content.sha256)
    await announce_approved(tx, keyring, moved)
    schedule = await trains.schedule(tx, moved.product_id)
    departs_at = departure(schedule, tx.at, is_at_once=goes_at_once(moved.track, moved.kind))
    departs = {"expected_release_at": departs_at.isoformat()} if departs_at > tx.at else {}
    helped = await submissions.lock_helped_by(tx, change_id)  # somebody may have moved them since
    await proofs.take_up_change(tx, change_id)
    for each in helped:
        if each.state is State.DETERMINED:
            data = {"change_id": change_id, "track": moved.track, **departs}
            await move_submission(tx, each.id, Move(Event.FIX_APPROVED, actor, data=data))
    return moved


async def reject(tx: Transaction, actor: Actor, change_id: str, held: int, reason: str) -> Change:
    """A lead's no: back to its writer."""
    move = Move[Change](ChangeEvent.REJECTED, actor, held, None, {"gate_id": None}, {"reason": reason})
    return await move_change(tx, change_id, move)


async def withdraw(tx: Transaction, actor: Actor, change_id: str, held: int, reason: str) -> Change:
    """Take the change back; if it was in the feed, the feed says so."""
    await locks.hold(tx, Lock.FEED)  # before any row, as above
    was_announced = (await changes.get(tx, change_id)).state is ChangeState.APPROVED
    moved = await move_change(tx, change_id, Move(ChangeEvent.WITHDRAWN, actor, held, data={"reason": reason}))
    helped = await submissions.lock_helped_by(tx, change_id)  # before the extra, as everybody
    ended = await extras.end_of_change(tx, change_id, Ending.CHANGE_WITHDRAWN, actor)
    await extra_notes.note_ended(tx, ended, actor)
    if was_announced:
        await announce(tx, moved, "withdrawn")
    for each in helped:
        await proofs.prove_if_complete(tx, each)
    return moved


async def picked_up(tx: Transaction, actor: Actor, change_id: str) -> Change:
    """Release tooling works on it from now on; saying so twice is no error, also at once."""
    change = await changes.lock(tx, change_id)
    if change.state is ChangeState.PICKED_UP:
        return change
    return await move_change(tx, change_id, Move(ChangeEvent.PICKED_UP, actor))


async def announce_approved(tx: Transaction, keyring: Keyring, change: Change) -> None:
    """Append to the feed that a change is to be released, with the signatures that release tooling asks for.

    Raises ServiceUnavailable when it cannot be signed; only where no keys are installed it goes out without.
    """
    await _append(tx, change, "approved", await sealed(tx, keyring, change))


async def sealed(tx: Transaction, keyring: Keyring, change: Change) -> dict[str, Any]:
    """What release tooling has to know of an approved change, and its signatures. Raises ServiceUnavailable."""
    document = await _described(tx, change)
    payload = change_document(change.product_id, change.track, document)
    return {**document, "envelope": await keyring.seal(tx, KeyRole.APPROVALS, CHANGE_TYPE, payload)}


async def announce(tx: Transaction, change: Change, action: str) -> None:
    """Append to the feed what became of a change."""
    await _append(tx, change, action, await _described(tx, change))


async def _append(tx: Transaction, change: Change, action: str, document: dict[str, Any]) -> None:
    entry = FeedEntry(
        number=0,
        product_id=change.product_id,
        track=change.track,
        action=action,
        change_id=change.id,
        document=document,
        at=tx.at,
    )
    await feed.append(tx, entry)


async def _described(tx: Transaction, change: Change) -> dict[str, Any]:
    revision = await changes.revision(tx, change)
    return {
        "id": change.id,
        "rev": change.rev,
        "kind": change.kind,
        "payload": revision.payload,
        "submission_ids": [each.id for each in await submissions.helped_by(tx, change.id)],
        "tested_against": await changes.tested_against(tx, change),
    }


def _write_revision(tx: Transaction, change_id: str, rev: int, payload: dict[str, str], actor: Actor) -> None:
    row = ChangeRevision(change_id=change_id, rev=rev, payload=payload, written_by=actor.person_id, written_at=tx.at)
    tx.session.add(row)


def _check_submissions(helped: Sequence[Submission], kind: ChangeKind) -> None:
    if not helped:
        raise release_errors.ChangeUnfit(NoSubmission())
    if len({each.product_id for each in helped}) > 1:
        raise release_errors.ChangeUnfit(ProductsDiffer())
    for each in helped:
        if each.state is not State.DETERMINED:
            raise errors.StateForbids(
                what="Submission", id=each.id, state=each.state, action="draft a change", allowed=State.DETERMINED
            )
        fitting = HELPFUL[each.kind]
        if kind not in fitting:
            allowed = ", ".join(sorted(fitting))
            raise release_errors.ChangeUnfit(KindUnhelpful(kind, each.kind, each.id, allowed))


async def _check_payload(
    tx: Transaction, helped: Sequence[Submission], kind: ChangeKind, payload: dict[str, Any]
) -> None:
    """The payload has its kind's fields; an allowed hash is one of the submissions' own samples."""
    try:
        content = content_of(kind, payload)
    except PayloadUnfit as unfit:
        raise release_errors.ChangeUnfit(unfit.why) from unfit
    if isinstance(content, AllowedHash | AddedHash):
        theirs = {file.facts.sha256 for own in (await files.of_many(tx, helped)).values() for file in own if file.facts}
        if content.sha256 not in theirs:
            raise release_errors.ChangeUnfit(SampleForeign(content.sha256))
    if isinstance(content, AllowedHash):
        for each in helped:
            await known.check_allowed(tx, each, content.sha256)
