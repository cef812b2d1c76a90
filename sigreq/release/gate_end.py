"""How a run of the gate ends: its report, and what follows for the change or the cases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sigreq.domain.findings import Code, Findings, Trouble
from sigreq.domain.gate_reasons import GateBroken
from sigreq.domain.gating import Purpose, RunState
from sigreq.domain.lifecycle import ChangeEvent, ChangeState
from sigreq.release import recheck
from sigreq.store import changes, gates
from sigreq.store.jobs import Lease
from sigreq.store.moves import Move, move_change
from sigreq.tables.gates import GateRun
from sigreq.transaction import Transaction


async def finish_part(tx: Transaction, run_id: str, number: int, findings: Findings) -> None:
    """Write what was found in a part, once; who finishes the last part ends the run."""
    run = await gates.finish_part(tx, run_id, number, findings.document())
    if run.state is RunState.RUNNING and run.done == run.total:
        await conclude(tx, run)


async def conclude(tx: Transaction, run: GateRun) -> None:
    """Every part is done: what was found in them decides."""
    await _conclude(tx, run, Findings())


async def _conclude(tx: Transaction, run: GateRun, more: Findings) -> None:
    found = await gates.findings(tx, run.id)
    by_kind = {kind: Findings.sum(Findings.read(each) for of, each in found if of is kind) for kind, _ in found}
    whole = Findings.sum([more, *by_kind.values()])
    scanned = {kind.value: findings.counts() for kind, findings in by_kind.items()}
    await _end(tx, run, whole, scanned)


async def end(tx: Transaction, run: GateRun, troubles: Sequence[Trouble]) -> None:
    """Nothing could be scanned, or need not be."""
    await _end(tx, run, Findings().plus(troubles), {})


async def give_up(tx: Transaction, lease: Lease, told: str) -> None:
    """A gate that could not run is a failure.

    What its other parts have found stays found. A guard goes on with them: what they find reopens cases.
    """
    run = await gates.lock(tx, lease.args["run_id"])
    if run.state is not RunState.RUNNING:
        return
    failure = Findings().plus([Trouble(Code.COULD_NOT_RUN, GateBroken(told[:300]))])
    number: int | None = lease.args.get("number")
    if number is None:  # it was not planned
        await end(tx, run, failure.troubles)
    elif run.purpose is Purpose.RECHECK:
        await finish_part(tx, run.id, number, failure)
    else:
        await _conclude(tx, run, failure)


async def _end(tx: Transaction, run: GateRun, found: Findings, scanned: Mapping[str, Any]) -> None:
    told = found.shown().document()
    report = {
        "rev": run.rev,
        "base": run.base_version,
        "is_passed": not found.troubles,
        "problems": told["troubles"],
        "problems_left_out": told["left_out"],
        "scanned": dict(scanned),
        "not_recheckable": told["unseen"],
        "newest_case": run.seen_solved,
        "engines": run.targets,
        "corpus_revision": run.seen_corpus,
        "seconds": round((tx.at - run.started_at).total_seconds(), 3),
    }
    state = RunState.FAILED if found.troubles else RunState.PASSED
    ended = await gates.write(tx, run.id, {"state": state, "finished_at": tx.at, "report": report})
    if run.purpose is Purpose.CHANGE:
        await _tell_change(tx, ended)
    elif run.purpose is Purpose.RECHECK:
        await recheck.reopen(tx, ended, found)


async def _tell_change(tx: Transaction, run: GateRun) -> None:
    change = await changes.get(tx, run.subject)
    if change.state is ChangeState.TESTING and change.gate_id == run.id:
        event = ChangeEvent.TEST_PASSED if run.state is RunState.PASSED else ChangeEvent.TEST_FAILED
        await move_change(tx, change.id, Move(event, data={"gate": run.id, "rev": run.rev, "base": run.base_version}))
