"""What is sent of extras."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sigreq.domain.extras import ExtraState, additions_of
from sigreq.domain.people import Actor, Role
from sigreq.store import people
from sigreq.tables.extras import Extra
from sigreq.transaction import Transaction


class Additions(msgspec.Struct, kw_only=True):
    """The signatures that are laid over the version, as in a version's own document."""

    rules: dict[str, str]
    allowed: list[str]
    hashes: dict[str, str]


class ExtraView(msgspec.Struct, kw_only=True):
    """An extra as update clients take it: `digest` is the SHA-256 of the additions as a ruleset's document."""

    id: str
    product: str
    base_version: str | None
    kind: str
    state: str
    additions: Additions
    digest: str
    submission_id: str | None
    hours: int
    live_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    ending: str | None


class StaffExtraView(ExtraView, kw_only=True):
    """The same with where it comes from."""

    change_id: str | None
    organisation: str | None
    proposed_by: str
    proposed_by_name: str
    proposed_at: datetime
    approved_by: str | None
    approved_by_name: str | None
    ended_by: str | None
    ended_by_name: str | None


async def views_of(tx: Transaction, actor: Actor, rows: Sequence[Extra], newest: str | None) -> Sequence[ExtraView]:
    """In the view that the actor may have; relief stands on the newest version as long as it lasts."""
    if actor.role is Role.CUSTOMER:
        return [ExtraView(**_common(row, tx.at, newest)) for row in rows]
    who = [each for row in rows for each in (row.proposed_by, row.approved_by, row.ended_by)]
    names = await people.names(tx, who)
    return [StaffExtraView(**_common(row, tx.at, newest), **_more(row, names)) for row in rows]


def _common(row: Extra, now: datetime, newest: str | None) -> dict[str, Any]:
    state = row.state(now)
    added = additions_of(row.kind, row.payload)
    base = newest if row.submission_id is not None and state is not ExtraState.ENDED else row.base_version
    return {
        **{name: getattr(row, name) for name in ExtraView.__struct_fields__ if name in Extra.model_fields},
        "product": row.product_id,
        "base_version": base,
        "state": state,
        "additions": Additions(rules=dict(added.rules), allowed=sorted(added.allowed), hashes=dict(added.hashes)),
    }


def _more(row: Extra, names: Mapping[str, str]) -> dict[str, Any]:
    own = [name for name in StaffExtraView.__struct_fields__ if name not in ExtraView.__struct_fields__]
    more = {name: getattr(row, name) for name in own if name in Extra.model_fields}
    return {
        **more,
        "organisation": row.organisation_id,
        "proposed_by_name": names[row.proposed_by],
        "approved_by_name": names.get(row.approved_by or ""),
        "ended_by_name": names.get(row.ended_by or ""),
    }
