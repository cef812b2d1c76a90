"""Runs of the gate and their parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from sigreq.domain.errors import NotFound
from sigreq.domain.gating import PartKind, Purpose, RunState
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import ChangeState
from sigreq.domain.people import Actor
from sigreq.domain.submission import Track
from sigreq.store import jobs
from sigreq.tables.gates import GatePart, GateRun
from sigreq.tables.releases import Change
from sigreq.transaction import Transaction

GATE_PREFIX = "GR"


@dataclass(frozen=True)
class Subject:
    """What is to be tested: a change by its id and revision, or a version by its name; and which changes are in it."""

    product_id: str
    purpose: Purpose
    name: str
    track: Track
    changes: Sequence[str] = ()
    rev: int | None = None


async def begin(tx: Transaction, actor: Actor | None, subject: Subject, digest: str | None = None) -> GateRun:
    """A new run, and the job that plans it; `digest` is that of the signatures to be tested, if they are there."""
    run = GateRun(
        id=new_identifier(GATE_PREFIX),
        product_id=subject.product_id,
        purpose=subject.purpose,
        subject=subject.name,
        rev=subject.rev,
        changes=list(subject.changes),
        track=subject.track,
        state=RunState.RUNNING,
        started_at=tx.at,
        started_by=actor.person_id if actor else None,
        ruleset_digest=digest,
    )
    tx.session.add(run)
    await tx.session.flush()
    jobs.add(tx, jobs.JobName.GATE, run.track, {"run_id": run.id})
    return run


async def get(tx: Transaction, run_id: str) -> GateRun:
    """One run. Raises NotFound."""
    found = await tx.session.get(GateRun, run_id, populate_existing=True)
    if found is None:
        raise NotFound(what="gate run", id=run_id)
    return found


async def lock(tx: Transaction, run_id: str) -> GateRun:
    """The same, and nobody else writes to it until the transaction ends."""
    statement = select(GateRun).where(col(GateRun.id) == run_id).with_for_update()
    return (await tx.session.scalars(statement.execution_options(populate_existing=True))).one()


async def of_subject(tx: Transaction, product_id: str, purpose: Purpose, subject: str) -> Sequence[GateRun]:
    """The runs about one change or version, newest first."""
    statement = select(GateRun).where(
        col(GateRun.subject) == subject, col(GateRun.product_id) == product_id, col(GateRun.purpose) == purpose
    )
    return (await tx.session.scalars(statement.order_by(col(GateRun.started_at).desc()))).all()


async def is_rechecked_since(tx: Transaction, run: GateRun) -> bool:
    """Whether a later run of the guard has begun for the product, whatever comes of it."""
    later = select(GateRun).where(
        col(GateRun.product_id) == run.product_id,
        col(GateRun.purpose) == Purpose.RECHECK,
        col(GateRun.started_at) > run.started_at,
    )
    return bool(await tx.session.scalar(select(later.exists())))


async def passed(tx: Transaction, product_id: str, purpose: Purpose, ruleset_digest: str) -> Sequence[GateRun]:
    """The runs with this candidate that passed, newest first."""
    statement = select(GateRun).where(
        col(GateRun.product_id) == product_id,
        col(GateRun.ruleset_digest) == ruleset_digest,
        col(GateRun.purpose) == purpose,
        col(GateRun.state) == RunState.PASSED,
    )
    return (await tx.session.scalars(statement.order_by(col(GateRun.finished_at).desc()))).all()


async def plan(
    tx: Transaction, run: GateRun, values: Mapping[str, Any], parts: Sequence[tuple[PartKind, list[Any]]]
) -> GateRun:
    """Write what the run saw, its parts, and a job for each."""
    for number, (kind, items) in enumerate(parts):
        tx.session.add(GatePart(run_id=run.id, number=number, kind=kind, items=items))
    await tx.session.flush()
    for number in range(len(parts)):
        jobs.add(tx, jobs.JobName.GATE_PART, run.track, {"run_id": run.id, "number": number})
    return await write(tx, run.id, {**values, "total": len(parts)})


async def write(tx: Transaction, run_id: str, values: Mapping[str, Any]) -> GateRun:
    """Write to a run."""
    statement = update(GateRun).where(col(GateRun.id) == run_id).values(**values).returning(GateRun)
    return (await tx.session.execute(statement.execution_options(populate_existing=True))).scalar_one()


async def part(tx: Transaction, run_id: str, number: int) -> GatePart:
    """One part."""
    return await tx.session.get_one(GatePart, (run_id, number), populate_existing=True)


async def finish_part(tx: Transaction, run_id: str, number: int, findings: Mapping[str, Any]) -> GateRun:
    """Write what was found in a part, once; the run as it stands then."""
    run = await lock(tx, run_id)
    statement = (
        update(GatePart)
        .where(col(GatePart.run_id) == run_id, col(GatePart.number) == number, col(GatePart.finished_at).is_(None))
        .values(finished_at=tx.at, findings=dict(findings))
        .returning(col(GatePart.number))
    )
    if (await tx.session.execute(statement)).one_or_none() is None:
        return run
    return await write(tx, run_id, {"done": run.done + 1})


async def findings(tx: Transaction, run_id: str) -> Sequence[tuple[PartKind, dict[str, Any]]]:
    """What was found in each part that is finished, in their order."""
    statement = (
        select(col(GatePart.kind), col(GatePart.findings))
        .where(col(GatePart.run_id) == run_id, col(GatePart.findings).is_not(None))
        .order_by(col(GatePart.number))
    )
    return [(row[0], row[1]) for row in await tx.session.execute(statement)]


async def waiting_changes(tx: Transaction, product_id: str, *, but: Collection[str] = ()) -> Sequence[Change]:
    """The approved changes that no version holds yet, in the order in which they were drafted."""
    statement = select(Change).where(
        col(Change.product_id) == product_id,
        col(Change.state).in_([ChangeState.APPROVED, ChangeState.PICKED_UP]),
        col(Change.id).not_in(list(but)),
    )
    return (await tx.session.scalars(statement.order_by(col(Change.created_at), col(Change.id)))).all()
