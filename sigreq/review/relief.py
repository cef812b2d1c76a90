"""Interim relief: one file of a case is allowed, or detected, until the fix is out.

An analyst proposes it, a lead who did not approves it, and it is over by itself when the case is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sigreq.domain import errors, release_errors
from sigreq.domain.advice import steps_of_relief
from sigreq.domain.changes import AddedHash, AllowedHash, Content, Unfit, content_of
from sigreq.domain.extras import RELIEF_KINDS, Ending, ExtraState, additions, relief_name
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor
from sigreq.domain.reasons import DetectedByVersion
from sigreq.domain.release_reasons import NameUnneeded, SampleOfOthers, SeveralFiles
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind
from sigreq.review.claims import holding
from sigreq.store import extras, files, known, locks, releases, submissions
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, move_submission, note_relief_ended
from sigreq.tables.extras import Extra
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from sigreq.trust.extras import tell_begun
from sigreq.trust.keyring import Keyring


@dataclass(frozen=True)
class Base:
    """The newest version, as it was read before the transaction: its rules lie in the store."""

    version: str
    ruleset: Ruleset


@dataclass(frozen=True)
class Wish:
    """Which file (the only one that was sent, if none is named), what to detect it as, for how long, and why."""

    sha256: str | None
    name: str | None
    hours: int
    reason: str


async def propose(tx: Transaction, actor: Actor, submission_id: str, held: int, wish: Wish, base: Base) -> Extra:
    """Ask a lead for relief. Raises StateForbids, ExtraUnfit, KnownMalware, KnownClean, ArchiveHoldsDetected.

    Also AlreadyExists where the file has relief, BaseReplaced, and what a write to a case raises that is somebody's.
    """
    submission = await submissions.lock(tx, submission_id)
    payload = await _payload(tx, submission, wish)
    content = content_of(RELIEF_KINDS[submission.kind], payload)
    row = Extra(
        id=new_identifier(extras.PREFIX),
        product_id=submission.product_id,
        kind=RELIEF_KINDS[submission.kind],
        payload=payload,
        sha256=payload["sha256"],
        digest=additions(content).digest,
        submission_id=submission.id,
        organisation_id=submission.organisation_id,
        hours=wish.hours,
        proposed_by=actor.person_id,
        proposed_at=tx.at,
    )
    data = {"extra_id": row.id, "sha256": row.sha256, "hours": wish.hours, "reason": wish.reason}
    await move_submission(
        tx, submission.id, Move(Event.RELIEF_PROPOSED, actor, held, _check_open_to(actor, tx), data=data)
    )
    await _check(tx, submission, content, base)
    before = await extras.open_of_case(tx, submission.id, payload["sha256"])
    if before is not None:
        raise errors.AlreadyExists(what="relief", id=before.id)
    return await extras.add(tx, row)


async def approve(tx: Transaction, keyring: Keyring, actor: Actor, extra_id: str, base: Base) -> Extra:
    """Put proposed relief in force, and tell the customer and release tooling.

    Raises OwnProposal, StateForbids, ServiceUnavailable, and more as above.
    """
    await locks.hold(tx, Lock.FEED)  # before any row, as everybody who writes to the feed
    submission = await _case_of(tx, extra_id)
    row = await extras.get(tx, extra_id)
    if row.proposed_by == actor.person_id:
        raise release_errors.OwnProposal(id=row.id)
    await _check(tx, submission, content_of(row.kind, row.payload), base)
    given = await extras.go_live(tx, row, actor)
    if given is None:
        state = row.state(tx.at)
        raise errors.StateForbids(what="Relief", id=row.id, state=state, action="approve", allowed=ExtraState.PROPOSED)
    assert given.expires_at is not None  # noqa: S101 - what is in force has an end
    await tell_begun(tx, keyring, given)
    data = {
        "extra_id": row.id,
        "sha256": row.sha256,
        "relief": row.kind,
        "expires_at": given.expires_at.isoformat(),
        "steps": steps_of_relief(submission.kind),
    }
    await move_submission(tx, submission.id, Move(Event.RELIEF_GIVEN, actor, data=data))
    return given


async def end(tx: Transaction, actor: Actor, extra_id: str) -> Extra:
    """Take relief back, or drop a proposal; doing so twice is no error."""
    submission = await _case_of(tx, extra_id)
    await note_relief_ended(tx, submission, await extras.end(tx, [extra_id], Ending.TAKEN_BACK, actor), actor)
    return await extras.get(tx, extra_id)


async def _case_of(tx: Transaction, extra_id: str) -> Submission:
    """The case that relief is for, locked before the relief itself. Raises NotFound, also for an extra of a change."""
    row = await extras.get(tx, extra_id)
    if row.submission_id is None:
        raise errors.NotFound(what="relief", id=extra_id)
    return await submissions.lock(tx, row.submission_id)


def _check_open_to(actor: Actor, tx: Transaction) -> Callable[[Submission], None]:
    held = holding(actor, tx.at)

    def check(row: Submission) -> None:
        held(row)
        if row.state is State.DETERMINED and not (row.determination and row.determination.needs_change):
            allowed = "in analysis, or determined and in need of a change"
            raise errors.StateForbids(
                what="Submission", id=row.id, state=row.state, action="give relief", allowed=allowed
            )

    return check


async def _payload(tx: Transaction, submission: Submission, wish: Wish) -> dict[str, str]:
    own = await files.of(tx, submission)
    sent = [file.facts.sha256 for file in own if file.parent is None and file.facts]
    if wish.sha256 is None and len(sent) > 1:
        raise release_errors.ExtraUnfit(SeveralFiles(", ".join(sent)))
    sha256 = wish.sha256 or sent[0]
    if sha256 not in {file.facts.sha256 for file in own if file.facts}:
        raise release_errors.ExtraUnfit(SampleOfOthers(sha256, submission.id))
    if submission.kind is Kind.FALSE_NEGATIVE:
        return {"sha256": sha256, "name": wish.name or relief_name(sha256)}
    if wish.name is not None:
        raise release_errors.ExtraUnfit(NameUnneeded())
    return {"sha256": sha256}


async def _check(tx: Transaction, submission: Submission, content: Content, base: Base) -> None:
    newest = await releases.newest(tx, submission.product_id)
    if newest is None or newest.version != base.version:
        now = newest.version if newest else None
        raise release_errors.BaseReplaced(product=submission.product_id, base=base.version, newest=now)
    if isinstance(content, AddedHash):
        await known.check_detected(tx, content.sha256)
    elif isinstance(content, AllowedHash):
        if content.sha256 in base.ruleset.hashes:
            why = DetectedByVersion(base.version, base.ruleset.hashes[content.sha256])
            raise release_errors.KnownMalware(sha256=content.sha256, why=why)
        await known.check_allowed(tx, submission, content.sha256)
    try:
        content.apply(base.ruleset)
    except Unfit as unfit:
        raise release_errors.ExtraUnfit(unfit.why) from unfit
