"""Extras as rows. Each write is guarded: what is over stays over."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlmodel import col

from sigreq.domain.errors import NotFound
from sigreq.domain.extras import Ending
from sigreq.domain.people import Actor
from sigreq.domain.submission import Track
from sigreq.store import jobs
from sigreq.tables.extras import Extra
from sigreq.tables.trust import BundleTarget
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
    return await _end(tx, col(Extra.id).in_(list(extra_ids)), values)


async def end_of_case(tx: Transaction, submission_id: str, ending: Ending, actor: Actor | None) -> Sequence[Extra]:
    """End all relief of a case, proposed or given."""
    values = {"ended_at": tx.at, "ended_by": actor.person_id if actor else None, "ending": ending}
    return await _end(tx, col(Extra.submission_id) == submission_id, values)


async def end_of_change(tx: Transaction, change_id: str, ending: Ending, actor: Actor) -> Sequence[Extra]:
    """End the extra of a change, if it has one."""
    values = {"ended_at": tx.at, "ended_by": actor.person_id, "ending": ending}
    return await _end(tx, col(Extra.change_id) == change_id, values)


async def unfinished(tx: Transaction, product_id: str) -> Sequence[Extra]:
    """All of a product that are not over, proposed ones too; those of cases in the order in which these are locked."""
    statement = select(Extra).where(col(Extra.product_id) == product_id, _OPEN)
    return (await tx.session.scalars(statement.order_by(col(Extra.submission_id), col(Extra.id)))).all()


async def standing_on(tx: Transaction, product_id: str, version: str) -> Sequence[Extra]:
    """Extras of changes that are in force on this version."""
    statement = select(Extra).where(col(Extra.product_id) == product_id, col(Extra.base_version) == version, _OPEN)
    return (await tx.session.scalars(statement)).all()


async def live(tx: Transaction, product_id: str, actor: Actor | None = None) -> Sequence[Extra]:
    """What is in force now: for a customer that of every changes and of their own cases; for others everything."""
    in_force = (_OPEN, col(Extra.live_at).is_not(None), col(Extra.expires_at) > tx.at)
    statement = select(Extra).where(col(Extra.product_id) == product_id, *in_force)
    if actor is not None and actor.organisation_id is not None:
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


async def take_untold_ends(tx: Transaction) -> Sequence[Extra]:
    """Those that were in force and are over, and of whose end the feed does not know; from now on it does.

    In the order in which they ended. The lock FEED must be held.
    """
    is_untold = (col(Extra.ended_at).is_not(None), col(Extra.live_at).is_not(None), col(Extra.end_told_at).is_(None))
    found = await _write(tx, is_untold, {"end_told_at": tx.at})
    return sorted(found, key=lambda each: (each.ended_at or tx.at, each.id))


async def is_any_end_untold(tx: Transaction) -> bool:
    """Whether there is such an end."""
    is_untold = (col(Extra.ended_at).is_not(None), col(Extra.live_at).is_not(None), col(Extra.end_told_at).is_(None))
    return await tx.session.scalar(select(col(Extra.id)).where(*is_untold).limit(1)) is not None


async def unoffered(tx: Transaction) -> Sequence[Extra]:
    """Those in force that the repository was not given, in the order in which they began."""
    is_offered = exists().where(col(BundleTarget.extra_id) == col(Extra.id))
    in_force = (_OPEN, col(Extra.live_at).is_not(None), col(Extra.expires_at) > tx.at)
    statement = select(Extra).where(*in_force, ~is_offered).order_by(col(Extra.live_at), col(Extra.id))
    return (await tx.session.scalars(statement)).all()


async def expired(tx: Transaction, limit: int = 100) -> Sequence[Extra]:
    """Those whose time is over, and nobody has written it down."""
    statement = select(Extra).where(_OPEN, col(Extra.expires_at) <= tx.at)
    return (await tx.session.scalars(statement.order_by(col(Extra.expires_at)).limit(limit))).all()


async def _end(tx: Transaction, which: ColumnElement[bool], values: dict[str, Any]) -> Sequence[Extra]:
    """The one way in which extras end. The feed and the repository are told after the commit.

    Not here: the feed's lock comes before any row, and whoever ends something holds rows.
    """
    ended = await _write(tx, (which, _OPEN), values)
    if any(each.live_at is not None for each in ended):
        jobs.add(tx, jobs.JobName.EXTRAS, Track.EXPEDITED, {})
    return ended


async def _write(tx: Transaction, which: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> Sequence[Extra]:
    statement = update(Extra).where(*which).values(**values).returning(Extra)
    return (await tx.session.scalars(statement.execution_options(populate_existing=True))).all()
