"""A changed calendar moves what was promised to open submissions, and nothing else."""

from typing import Any

from sigreq.domain.clock import Happening
from sigreq.domain.contract_errors import CalendarUnfit
from sigreq.domain.lifecycle import Event
from sigreq.domain.people import Actor
from sigreq.domain.worktime import CalendarInvalid
from sigreq.store import calendars, clocks, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.people import CalendarRevision
from sigreq.transaction import Transaction


async def change(tx: Transaction, actor: Actor, row: CalendarRevision) -> tuple[CalendarRevision, int]:
    """Put a calendar on new hours, with an event on each open submission that counts in it; how many those are.

    One transaction: either every due time has moved or none. Raises CalendarUnfit.
    """
    try:
        calendars.as_rule(row)
    except (CalendarInvalid, ValueError) as error:
        raise CalendarUnfit(id=row.calendar_id, reason=str(error)) from error
    added = await calendars.add_revision(tx, row)
    open_ids = await submissions.open_under(tx, added.calendar_id)
    for submission_id in open_ids:
        submission = await submissions.lock(tx, submission_id)
        happening = Happening(Event.CALENDAR_CHANGED, tx.at, calendar=added.calendar_id, revision=added.revision)
        values = await clocks.values_after(tx, submission, happening)
        data: dict[str, Any] = {"calendar": added.calendar_id, "revision": added.revision}
        if values["is_guaranteed"]:  # a target that nobody promised is not the customer's to see
            data |= {"was_due_at": submission.due_at.isoformat(), "due_at": values["due_at"].isoformat()}
        await move_submission(tx, submission_id, Move(Event.CALENDAR_CHANGED, actor, values=values, data=data))
    return added, len(open_ids)
