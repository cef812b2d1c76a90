"""Another look at files that could not be seen whole: with another password, or on a better day."""

from typing import Any

from sigreq.domain.lifecycle import Event
from sigreq.domain.people import Actor
from sigreq.store import jobs, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

MOST_PASSWORDS = 10


def password_added(submission: Submission, password: str | None) -> dict[str, Any]:
    """The values of the submission that change when this password is said; none when it was said before."""
    known = submissions.passwords(submission)
    if not password or password in known:
        return {}
    if not known:
        return {"archive_password": password}
    return {"more_passwords": [*submission.more_passwords, password][-MOST_PASSWORDS:]}


def examine(tx: Transaction, submission: Submission) -> None:
    """Have the files looked into again after the commit."""
    jobs.add(tx, jobs.JobName.EXAMINE, submission.track, {"submission_id": submission.id})


async def ask(tx: Transaction, actor: Actor, submission_id: str, held: int | None, password: str | None) -> Submission:
    """An analyst wants the files examined again, with another password if there is one. Raises what moving raises."""
    submission = await submissions.lock(tx, submission_id, actor)
    values = password_added(submission, password)
    data = {"password_added": bool(values)}
    asked = await move_submission(tx, submission_id, Move(Event.EXAMINATION_ASKED, actor, held, None, values, data))
    examine(tx, asked)
    return asked
