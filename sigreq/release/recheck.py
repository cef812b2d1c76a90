"""The guard against regressions: each new version is tried on every solved case, and a fix that is gone reopens."""

from collections.abc import Iterable

from sigreq.domain.findings import Code, Findings, Trouble
from sigreq.domain.gating import Purpose
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.submission import Track
from sigreq.domain.verdict import Resolution
from sigreq.store import gates, groups, jobs, reopening, solved, submissions
from sigreq.store.gates import Subject
from sigreq.store.moves import Move, move_submission
from sigreq.tables.gates import GateRun
from sigreq.tables.releases import Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

_CAME_UNDONE = {Code.DETECTED_AGAIN, Code.DETECTION_LOST}


async def begin(tx: Transaction, release: Release) -> None:
    """Have a version that has just come out tried on every solved case, before anything that can wait."""
    if await solved.newest(tx, release.product_id):
        of = Subject(release.product_id, Purpose.RECHECK, release.version, Track.EXPEDITED)
        await gates.begin(tx, None, of, release.ruleset_digest)


async def reopen(tx: Transaction, run: GateRun, found: Findings) -> None:
    """Reopen the cases whose fix the version undid, and have their customers and the on-call told.

    What could not be tried is a matter for somebody's attention: that of the on-call, where not even cases are known.
    It no longer is when every case was tried with a later version, and the case was seen to do what was concluded.
    """
    is_whole = all(each.submission_id is not None for each in found.troubles)
    in_doubt = await solved.in_doubt(tx, run.product_id, run.seen_solved) if is_whole else ()
    unseen = {each["submission_id"] for each in found.unseen}
    by_case: dict[str, list[Trouble]] = {each: [] for each in in_doubt if each not in unseen}
    for each in found.troubles:
        if each.submission_id is not None:
            by_case.setdefault(each.submission_id, []).append(each)
    for submission_id in sorted(by_case):  # the order in which everybody locks
        submission = await submissions.lock(tx, submission_id)
        undone = [each for each in by_case[submission_id] if each.code in _CAME_UNDONE]
        if undone and _is_fixed(submission):
            await _reopen(tx, run, submission, undone)
        elif not by_case[submission_id]:
            await _clear(tx, run, submission)
        else:
            reason = f"{run.subject}: {by_case[submission_id][0].message}"
            flag = {"needs_attention": "recheck_failed"}
            raised = Move[Submission](Event.ATTENTION_RAISED, values=flag, data={"reason": reason[:500]})
            await move_submission(tx, submission_id, raised)
    if not is_whole:
        await _alert_all(tx, run)


async def _clear(tx: Transaction, run: GateRun, submission: Submission) -> None:
    """Only what is a guard's doubt still; and what a later version did is not for this one to say."""
    if submission.needs_attention == "recheck_failed" and not await gates.is_rechecked_since(tx, run):
        values, data = {"needs_attention": None}, {"version": run.subject}
        await move_submission(tx, submission.id, Move(Event.ATTENTION_CLEARED, values=values, data=data))


async def _alert_all(tx: Transaction, run: GateRun) -> None:
    """Whose cases were not tried, nobody knows: every group's on-call is told that the guard has failed."""
    for group, _ in await groups.listed(tx):
        for channel in ("mail", "webhook"):
            args = {"run_id": run.id, "group_id": group.id, "channel": channel}
            jobs.add(tx, jobs.JobName.ALERT, run.track, args)


def _is_fixed(submission: Submission) -> bool:
    is_over = submission.state in {State.FIXED, State.CLOSED} and submission.resolution is not Resolution.WITHDRAWN
    return is_over and submission.fixed_in is not None


async def _reopen(tx: Transaction, run: GateRun, submission: Submission, undone: Iterable[Trouble]) -> None:
    files = [{"sha256": each.sha256, "detections": list(each.signatures), "engine": each.engine} for each in undone]
    values = await reopening.begin(tx, submission, Event.REGRESSED) | {"needs_attention": "regressed"}
    data = {"version": run.subject, "fixed_in": submission.fixed_in, "files": files}
    moved = await move_submission(tx, submission.id, Move(Event.REGRESSED, values=values, data=data))
    event = await submissions.event_of(tx, moved.id, moved.revision)
    for channel in ("mail", "webhook"):
        jobs.add(tx, jobs.JobName.ALERT, moved.track, {"event_id": event.id, "channel": channel})
