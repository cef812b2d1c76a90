"""Extras of approved changes: out at once on the newest version, and over when the next one is out."""

from collections.abc import Sequence
from dataclasses import dataclass

from sigreq.domain import errors, release_errors
from sigreq.domain.changes import AllowedHash, Unfit, content_of
from sigreq.domain.extras import ADDITIVE, Ending, ExtraState, additions
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import Actor
from sigreq.domain.release_reasons import NotAdditive, OnStandardTrack
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.release import gate
from sigreq.store import changes, extra_notes, extras, known, locks, releases, submissions
from sigreq.store.locks import Lock
from sigreq.store.moves import note_relief_ended
from sigreq.tables.extras import Extra
from sigreq.tables.gates import GateRun
from sigreq.tables.releases import Change
from sigreq.transaction import Transaction
from sigreq.trust.extras import tell_begun
from sigreq.trust.keyring import Keyring

_WAITING = {ChangeState.APPROVED, ChangeState.PICKED_UP}


async def publish(
    tx: Transaction, keyring: Keyring, actor: Actor, change_id: str, base: str, hours: int
) -> tuple[Extra, bool]:
    """Put an approved change in force on the newest version at once; True when it was not yet.

    Raises NotFound, StateForbids, ExtraUnfit, KnownMalware, BaseReplaced, GatePassStale, ServiceUnavailable.
    """
    await locks.hold(tx, Lock.FEED)  # before any row: from here on nothing is published, approved or withdrawn
    change = await _fitting(tx, change_id)
    before = await extras.open_of_change(tx, change.id)
    if before is not None and before.state(tx.at) is ExtraState.LIVE:
        return before, False
    content = await changes.content(tx, change)
    newest = await releases.newest(tx, change.product_id)
    if newest is None or newest.version != base:
        now = newest.version if newest else None
        raise release_errors.BaseReplaced(product=change.product_id, base=base, newest=now)
    if isinstance(content, AllowedHash):
        for helped in await submissions.helped_by(tx, change.id):
            await known.check_allowed(tx, helped, content.sha256)
    await gate.check_extra(tx, change, content)
    await submissions.lock_helped_by(tx, change.id)  # before the extra, as everybody
    await extra_notes.note_ended(tx, await extras.end_of_change(tx, change.id, Ending.EXPIRED, actor), actor)
    payload = (await changes.revision(tx, change)).payload
    row = Extra(
        id=new_identifier(extras.PREFIX),
        product_id=change.product_id,
        base_version=base,
        kind=change.kind,
        payload=payload,
        sha256=payload.get("sha256"),
        digest=additions(content).digest,
        change_id=change.id,
        hours=hours,
        proposed_by=actor.person_id,
        proposed_at=tx.at,
    )
    live = await extras.go_live(tx, await extras.add(tx, row), actor)
    assert live is not None  # noqa: S101 - nobody else can have seen it
    await tell_begun(tx, keyring, live)
    await extra_notes.note_published(tx, live, actor)
    return live, True


async def begin_test(tx: Transaction, actor: Actor, change_id: str) -> GateRun:
    """Test an approved change once more, on the newest version, because the pass it has does not hold any more."""
    return await gate.begin_change(tx, actor, await _fitting(tx, change_id))


async def end(tx: Transaction, actor: Actor, extra_id: str) -> Extra:
    """Take the extra of a change back; doing so twice is no error. The change waits for the next version as before."""
    row = await extras.get(tx, extra_id)
    if row.change_id is None:
        raise errors.NotFound(what="extra of a change", id=extra_id)
    await submissions.lock_helped_by(tx, row.change_id)  # before the extra, as everybody
    await extra_notes.note_ended(tx, await extras.end(tx, [row.id], Ending.TAKEN_BACK, actor), actor)
    return await extras.get(tx, extra_id)


@dataclass(frozen=True)
class NewVersion:
    """What has just come out, with the changes it includes and the cases that these help."""

    product_id: str
    ruleset: Ruleset
    included: frozenset[str]
    helped: Sequence[str]


async def follow(tx: Transaction, actor: Actor, new: NewVersion) -> None:
    """A version is out: extras of changes are over, relief where the version does the same or the opposite.

    Other relief is kept: it stands on whatever is the newest version. From here on nobody moves the cases helped.
    """
    found = [(each, _ending(each, new)) for each in await extras.unfinished(tx, new.product_id)]
    over = [(each, ending) for each, ending in found if ending is not None]
    helped = await submissions.ids_helped_by(tx, [each.change_id for each, _ in over if each.change_id])
    await submissions.lock_all(
        tx, [*new.helped, *helped, *(each.submission_id for each, _ in over if each.submission_id)]
    )
    for each, ending in over:
        ended = await extras.end(tx, [each.id], ending, actor)
        if each.submission_id is None:
            await extra_notes.note_ended(tx, ended, actor)
        else:
            await note_relief_ended(tx, await submissions.get(tx, each.submission_id), ended, actor)


def _ending(extra: Extra, new: NewVersion) -> Ending | None:
    if extra.change_id is not None:
        return Ending.SHIPPED if extra.change_id in new.included else Ending.BASE_REPLACED
    content = content_of(extra.kind, extra.payload)
    if content.is_in(new.ruleset):
        return Ending.SHIPPED
    try:
        content.apply(new.ruleset)
    except Unfit:
        return Ending.CONTRADICTED
    return None


async def _fitting(tx: Transaction, change_id: str) -> Change:
    """A change that may go out by itself. Raises NotFound, StateForbids, ExtraUnfit."""
    change = await changes.get(tx, change_id)
    if change.kind not in ADDITIVE:
        raise release_errors.ExtraUnfit(NotAdditive(change.kind, ", ".join(sorted(ADDITIVE))))
    if change.track is not Track.EXPEDITED:
        raise release_errors.ExtraUnfit(OnStandardTrack(change.id))
    if change.state not in _WAITING:
        allowed = ", ".join(sorted(_WAITING))
        raise errors.StateForbids(
            what="Change", id=change.id, state=change.state, action="publish an extra", allowed=allowed
        )
    return change
