"""Those whom an extra of a change helps are told that it is in force, and when it is over without a fix."""

from collections.abc import Iterable

from sigreq.domain.advice import steps_after_relief, steps_of_extra
from sigreq.domain.extras import Ending
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor
from sigreq.store import submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.extras import Extra
from sigreq.transaction import Transaction


async def note_published(tx: Transaction, extra: Extra, actor: Actor) -> None:
    """On every case that waits for the change; the cases must be locked already, as they come before the extra."""
    assert extra.expires_at is not None  # noqa: S101 - what is in force has an end
    data = {
        "extra_id": extra.id,
        "version": extra.base_version,
        "relief": extra.kind,
        "expires_at": extra.expires_at.isoformat(),
    }
    for case in await submissions.lock_helped_by(tx, extra.change_id or ""):
        if case.state is State.DETERMINED:
            told = {**data, "steps": steps_of_extra(case.kind)}
            await move_submission(tx, case.id, Move(Event.EXTRA_PUBLISHED, actor, data=told))


async def note_ended(tx: Transaction, ended: Iterable[Extra], actor: Actor | None) -> None:
    """On every case that still waits; one whose change is in a version hears of that instead.

    The cases must be locked already: they come before the extras, which have been written.
    """
    for extra in ended:
        ending = Ending(extra.ending or Ending.EXPIRED)
        if ending is Ending.SHIPPED:
            continue
        data = {"extra_id": extra.id, "ending": ending, "steps": steps_after_relief(ending)}
        for case in await submissions.lock_helped_by(tx, extra.change_id or ""):
            if case.state is State.DETERMINED:
                await move_submission(tx, case.id, Move(Event.EXTRA_ENDED, actor, data=data))
