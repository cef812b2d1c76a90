"""Calendars and their revisions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlmodel import col

from sigreq.calendars import Holidays, calendar_with
from sigreq.domain.errors import NotFound
from sigreq.domain.worktime import Calendar, parse_exceptions, parse_hours
from sigreq.tables.people import Calendar as CalendarRow
from sigreq.tables.people import CalendarRevision
from sigreq.transaction import Transaction


async def current(tx: Transaction, names: Collection[str]) -> dict[str, int]:
    """The revision in force of each of these; until the transaction ends there is no newer one.

    So a change of hours finds every submission that was promised something in the old ones.
    """
    statement = select(col(CalendarRow.id), col(CalendarRow.revision)).where(col(CalendarRow.id).in_(names))
    rows = await tx.session.execute(statement.order_by(col(CalendarRow.id)).with_for_update(read=True))
    return {row.id: row.revision for row in rows}


async def all_revisions(tx: Transaction) -> Mapping[tuple[str, int], Calendar]:
    """Every revision of every calendar, as the rules read them."""
    rows = await tx.session.scalars(select(CalendarRevision))
    return {(row.calendar_id, row.revision): as_rule(row) for row in rows}


def as_rule(row: CalendarRevision) -> Calendar:
    """A revision as the rules read it. Raises CalendarInvalid."""
    public = Holidays(_days(row.holidays), _days(row.extra_workdays))
    return calendar_with(public, row.time_zone, parse_hours(row.hours), parse_exceptions(row.exceptions))


def _days(texts: Sequence[str]) -> frozenset[date]:
    return frozenset(date.fromisoformat(text) for text in texts)


async def revision(tx: Transaction, calendar_id: str) -> CalendarRevision:
    """The revision in force. Raises NotFound."""
    row = await tx.session.get(CalendarRow, calendar_id, populate_existing=True)
    if row is None:
        raise NotFound(what="calendar", id=calendar_id)
    return await tx.session.get_one(CalendarRevision, (calendar_id, row.revision))


async def add_revision(tx: Transaction, row: CalendarRevision) -> CalendarRevision:
    """Put a calendar, new or old, on new hours. `row.revision` is set here."""
    held = await tx.session.scalar(select(CalendarRow).where(col(CalendarRow.id) == row.calendar_id).with_for_update())
    if held is None:
        held = CalendarRow(id=row.calendar_id, revision=0)
        tx.session.add(held)
    held.revision += 1
    row.revision = held.revision
    await tx.session.flush()
    tx.session.add(row)
    await tx.session.flush()
    return row
