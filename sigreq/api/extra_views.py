"""What is sent of extras."""

from datetime import datetime
from typing import Any

import msgspec

from sigreq.domain.extras import ExtraState, additions_of
from sigreq.domain.people import Actor, Role
from sigreq.tables.extras import Extra


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
    proposed_at: datetime
    approved_by: str | None
    ended_by: str | None


def view_of(row: Extra, actor: Actor, now: datetime, newest: str | None) -> ExtraView:
    """In the view that the actor may have; relief stands on the newest version as long as it lasts."""
    state = row.state(now)
    added = additions_of(row.kind, row.payload)
    base = newest if row.submission_id is not None and state is not ExtraState.ENDED else row.base_version
    common: dict[str, Any] = {
        **{name: getattr(row, name) for name in ExtraView.__struct_fields__ if name in Extra.model_fields},
        "product": row.product_id,
        "base_version": base,
        "state": state,
        "additions": Additions(rules=dict(added.rules), allowed=sorted(added.allowed), hashes=dict(added.hashes)),
    }
    if actor.role is Role.CUSTOMER:
        return ExtraView(**common)
    own = [name for name in StaffExtraView.__struct_fields__ if name not in ExtraView.__struct_fields__]
    more = {name: getattr(row, name) for name in own if name in Extra.model_fields}
    return StaffExtraView(**common, **more, organisation=row.organisation_id)
