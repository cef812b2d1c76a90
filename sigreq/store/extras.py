"""Extras as rows. Each write is guarded: what is over stays over."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlmodel import col

from sigreq.domain.errors import NotFound
from sigreq.domain.extras import Ending
from sigreq.domain.people import Actor
from sigreq.tables.extras import Extra
from sigreq.transaction import Transaction

PREFIX = "EX"
_OPEN = col(Extra.ended_at).is_(None)


async def get(tx: Transaction, extra_id: str) -> Extra:
    """One extra. Raises NotFound."""
    found = await tx.session.get(Extra, extra_id, populate_existing=True)
    if found is None:
        raise NotFound(what="extra", id=extra_id)
    return found


async def add(tx: Transaction, row: Extra) -> Extra:
    """A new one."""
    tx.session.add(row)
    await tx.session.flush()
    return row


async def go_live(tx: Transaction, row: Extra, actor: Actor) -> Extra | None:
    """Approved: in force from now for as many hours as were asked for; None when it is none that waits any more."""
    values = {"approved_by": actor.person_id, "live_at": tx.at, "expires_at": tx.at + timedelta(hours=row.hours)}
    waits = (col(Extra.id) == row.id, _OPEN, col(Extra.live_at).is_(None))
    return next(iter(await _write(tx, waits, values)), None)


async def end(
    tx: Transaction, extra_ids: Collection[str], ending: Ending, actor: Actor | None = None
) -> Sequence[Extra]:
    """End those of them that are not over yet; which they were."""
    values = {"ended_at": tx.at, "ended_by": actor.person_id if actor else None, "ending": ending}
    return await _write(tx, (col(Extra.id).in_(list(extra_ids)), _OPEN), values)


async def end_of_case(tx: Transaction, submission_id: str, ending: Ending, actor: Actor | None) -> Sequence[Extra]:
    """End all relief of a case, proposed or given."""
    values = {"ended_at": tx.at, "ended_by": actor.person_id if actor else None, "ending": ending}
    return await _write(tx, (col(Extra.submission_id) == submission_id, _OPEN), values)


async def end_of_change(tx: Transaction, change_id: str, ending: Ending, actor: Actor) -> Sequence[Extra]:
    """End the extra of a change, if it has one."""
    values = {"ended_at": tx.at, "ended_by": actor.person_id, "ending": ending}
    return await _write(tx, (col(Extra.change_id) == change_id, _OPEN), values)


async def unfinished(tx: Transaction, product_id: str) -> Sequence[Extra]:
    """All of a product that are not over, proposed ones too; those of cases in the order in which these are locked."""
    statement = select(Extra).where(col(Extra.product_id) == product_id, _OPEN)
    return (await tx.session.scalars(statement.order_by(col(Extra.submission_id), col(Extra.id)))).all()


async def standing_on(tx: Transaction, product_id: str, version: str) -> Sequence[Extra]:
    """Extras of changes that are in force on this version."""
    statement = select(Extra).where(col(Extra.product_id) == product_id, col(Extra.base_version) == version, _OPEN)
    return (await tx.session.scalars(statement)).all()


async def live(tx: Transaction, product_id: str, actor: Actor) -> Sequence[Extra]:
    """What is in force now: for a customer that of every changes and of their own cases; for others everything."""
    in_force = (_OPEN, col(Extra.live_at).is_not(None), col(Extra.expires_at) > tx.at)
    statement = select(Extra).where(col(Extra.product_id) == product_id, *in_force)
    if actor.organisation_id is not None:
        theirs = col(Extra.organisation_id)
        statement = statement.where(or_(theirs.is_(None), theirs == actor.organisation_id))
    return (await tx.session.scalars(statement.order_by(col(Extra.live_at), col(Extra.id)))).all()


async def of_case(tx: Transaction, submission_id: str) -> Sequence[Extra]:
    """All relief that a case had, oldest first."""
    statement = select(Extra).where(col(Extra.submission_id) == submission_id)
    return (await tx.session.scalars(statement.order_by(col(Extra.proposed_at), col(Extra.id)))).all()


async def open_of_case(tx: Transaction, submission_id: str, sha256: str) -> Extra | None:
    """The relief of a case for this file that is proposed or in force."""
    statement = select(Extra).where(col(Extra.submission_id) == submission_id, col(Extra.sha256) == sha256, _OPEN)
    return await tx.session.scalar(statement)


async def open_of_change(tx: Transaction, change_id: str) -> Extra | None:
    """The extra of a change that is in force."""
    return await tx.session.scalar(select(Extra).where(col(Extra.change_id) == change_id, _OPEN))


async def expired(tx: Transaction, limit: int = 100) -> Sequence[Extra]:
    """Those whose time is over, and nobody has written it down."""
    statement = select(Extra).where(_OPEN, col(Extra.expires_at) <= tx.at)
    return (await tx.session.scalars(statement.order_by(col(Extra.expires_at)).limit(limit))).all()


async def _write(tx: Transaction, which: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> Sequence[Extra]:
    statement = update(Extra).where(*which).values(**values).returning(Extra)
    return (await tx.session.scalars(statement.execution_options(populate_existing=True))).all()
