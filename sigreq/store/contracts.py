"""Contracts, and the ledger of the premium incidents they bring."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, or_, select
from sqlmodel import col

from sigreq.domain.contract_errors import ContractBackwards, ContractsOverlap
from sigreq.domain.errors import NotFound
from sigreq.domain.plans import Plan
from sigreq.domain.premium import Balance, contract_year
from sigreq.domain.submission import PremiumStep
from sigreq.store import people
from sigreq.tables.people import Contract, Organisation, PremiumEntry
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction

STANDARD = "standard"  # the plan of those without a contract, and of what exceeds one


async def in_force(tx: Transaction, organisation_id: str, *, is_locking: bool = False) -> Contract | None:
    """The contract that covers this moment. Locked, its premium incidents are counted by one at a time."""
    statement = select(Contract).where(
        col(Contract.organisation_id) == organisation_id,
        col(Contract.starts_at) <= tx.at,
        or_(col(Contract.ends_at).is_(None), col(Contract.ends_at) > tx.at),
    )
    if is_locking:
        statement = statement.with_for_update()
    return await tx.session.scalar(statement)


async def plan_in_force(tx: Transaction, organisation_id: str) -> Plan:
    """The plan of the contract that covers this moment, else the standard one."""
    contract = await in_force(tx, organisation_id)
    return await people.plan(tx, contract.plan_id if contract else STANDARD)


async def add(
    tx: Transaction, organisation_id: str, plan_id: str, starts_at: datetime, ends_at: datetime | None
) -> Contract:
    """A new contract. Raises NotFound, ContractBackwards, ContractsOverlap."""
    if ends_at is not None and ends_at <= starts_at:
        raise ContractBackwards(starts_at=starts_at, ends_at=ends_at)
    await _hold(tx, organisation_id)
    await people.plan_row(tx, plan_id)
    for other in await of(tx, organisation_id):
        _refuse_overlap(other, starts_at, ends_at)
    row = Contract(
        id=f"CT-{uuid4().hex[:12]}",
        organisation_id=organisation_id,
        plan_id=plan_id,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    tx.session.add(row)
    await tx.session.flush()
    return row


async def end(tx: Transaction, contract_id: str, ends_at: datetime) -> Contract:
    """Let a contract end. Submissions keep what they were promised.

    Raises NotFound, ContractBackwards, and ContractsOverlap for an end after the next one's start.
    """
    known = await tx.session.get(Contract, contract_id)
    if known is None:
        raise NotFound(what="contract", id=contract_id)
    await _hold(tx, known.organisation_id)
    row = await tx.session.get_one(Contract, contract_id, with_for_update=True, populate_existing=True)
    if ends_at <= row.starts_at:
        raise ContractBackwards(starts_at=row.starts_at, ends_at=ends_at)
    for other in await of(tx, row.organisation_id):
        if other.id != row.id:
            _refuse_overlap(other, row.starts_at, ends_at)
    row.ends_at = ends_at
    await tx.session.flush()
    return row


async def _hold(tx: Transaction, organisation_id: str) -> None:
    """Let nobody else change this organisation's contracts until the transaction ends. Raises NotFound."""
    holder = select(Organisation).where(col(Organisation.id) == organisation_id).with_for_update()
    if await tx.session.scalar(holder) is None:
        raise NotFound(what="organisation", id=organisation_id)


def _refuse_overlap(other: Contract, starts_at: datetime, ends_at: datetime | None) -> None:
    is_over_before = other.ends_at is not None and other.ends_at <= starts_at
    if not is_over_before and (ends_at is None or other.starts_at < ends_at):
        raise ContractsOverlap(organisation=other.organisation_id, other=other.id, plan=other.plan_id)


async def of(tx: Transaction, organisation_id: str) -> Sequence[Contract]:
    """An organisation's contracts, oldest first."""
    statement = select(Contract).where(col(Contract.organisation_id) == organisation_id)
    return (await tx.session.scalars(statement.order_by(col(Contract.starts_at)))).all()


async def balance(tx: Transaction, contract: Contract, plan: Plan) -> Balance:
    """Premium incidents of the contract year that holds this moment."""
    year, _ = contract_year(contract.starts_at, tx.at)
    statement = (
        select(col(PremiumEntry.entry), func.count())
        .where(col(PremiumEntry.contract_id) == contract.id, col(PremiumEntry.year_starts_at) == year)
        .group_by(col(PremiumEntry.entry))
    )
    found = {PremiumStep(entry): count for entry, count in (await tx.session.execute(statement))}
    used = found.get(PremiumStep.COMMITTED, 0)
    reserved = found.get(PremiumStep.RESERVED, 0) - used - found.get(PremiumStep.RELEASED, 0)
    return Balance(plan.premium_incidents, used, reserved)


async def reserve(tx: Transaction, contract_id: str, submission_id: str) -> None:
    """Set one premium incident aside. The contract must be locked, and its balance allow it."""
    contract = await tx.session.get_one(Contract, contract_id)
    year, _ = contract_year(contract.starts_at, tx.at)
    tx.session.add(_entry(tx, submission_id, contract.id, year, PremiumStep.RESERVED))
    await tx.session.flush()


async def settle(tx: Transaction, submission: Submission, step: PremiumStep) -> None:
    """Commit or release what the submission reserved, once; without a reservation there is nothing to do."""
    statement = select(PremiumEntry).where(col(PremiumEntry.submission_id) == submission.id)
    entries = {row.entry: row for row in await tx.session.scalars(statement)}
    if set(entries) == {PremiumStep.RESERVED}:
        reserved = entries[PremiumStep.RESERVED]
        tx.session.add(_entry(tx, submission.id, reserved.contract_id, reserved.year_starts_at, step))
        await tx.session.flush()


def _entry(tx: Transaction, submission_id: str, contract_id: str, year: datetime, step: PremiumStep) -> PremiumEntry:
    return PremiumEntry(submission_id=submission_id, entry=step, contract_id=contract_id, year_starts_at=year, at=tx.at)
