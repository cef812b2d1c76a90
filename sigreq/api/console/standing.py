"""What a customer's page says of a case beside its row: the clock, what may be expected when, relief, and the fix."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sigreq.api.console.desk import Visitor
from sigreq.domain.advice import steps, steps_of_relief
from sigreq.domain.clock import Clock
from sigreq.domain.extras import ExtraState
from sigreq.domain.people import Language
from sigreq.domain.submission import Kind
from sigreq.notify.mail_texts import Texts
from sigreq.notify.mails import TEXTS, facts
from sigreq.store import calendars, clocks, contracts, extras, people, releases, signing, trains
from sigreq.tables.extras import Extra
from sigreq.tables.submissions import Submission


@dataclass(frozen=True)
class Promise:
    """The clock that decides now, or ended last, and whether it counts round the clock."""

    clock: Clock
    is_round_the_clock: bool


@dataclass(frozen=True)
class Fix:
    """The version that mends it, what to do with it, and whether a signed statement says so."""

    version: str
    published_at: datetime | None
    steps: list[str]
    has_evidence: bool


@dataclass(frozen=True)
class Relief:
    """One file that is allowed, or detected, for the time being."""

    row: Extra
    is_live: bool
    steps: list[str]


def texts_of(visitor: Visitor) -> Texts:
    """The words of our e-mails in the visitor's language: pages and mail say the same."""
    return TEXTS["ru" if visitor.person.language is Language.RUSSIAN else "en"]


async def standing(visitor: Visitor, row: Submission) -> dict[str, Any]:
    """All of it, by the names that the template knows."""
    return {
        "promise": await _promise(visitor, row),
        "expected_release_at": (await trains.expected(visitor.tx, [row]))[row.id],
        "fix": await _fix(visitor, row) if row.fixed_in else None,
        "reliefs": await _reliefs(visitor, row),
        "remarks": [line for _, lines in facts({"remarks": row.remarks}, texts_of(visitor)) for line in lines],
        "is_beyond_premium": row.contract_id is not None and row.plan_id == contracts.STANDARD,
        "own_plan": await people.plan_row(visitor.tx, row.plan_id),
        **await bought(visitor),
    }


async def bought(visitor: Visitor) -> dict[str, Any]:
    """The plan that is in force, and the premium incidents that are left of the contract's year."""
    contract = await contracts.in_force(visitor.tx, visitor.actor.organisation_id or "")
    plan = await people.plan_row(visitor.tx, contract.plan_id if contract else contracts.STANDARD)
    balance = await contracts.balance(visitor.tx, contract, people.as_rule(plan)) if contract else None
    return {"plan": plan, "balance": balance}


async def _promise(visitor: Visitor, row: Submission) -> Promise | None:
    """Nothing where no time was promised: the internal target is not for customers."""
    clock = (await clocks.clocks(visitor.tx, row))[-1]
    if not clock.goal.is_guaranteed:
        return None
    calendar = calendars.as_rule(await calendars.revision(visitor.tx, clock.goal.calendar))
    return Promise(clock, calendar.is_always_open)


async def _fix(visitor: Visitor, row: Submission) -> Fix:
    assert row.fixed_in is not None  # noqa: S101 - the caller has looked
    product = await releases.product_of(visitor.tx, row)
    release = await releases.published(visitor.tx, row.product_id, row.fixed_in)
    evidence = await signing.evidence(visitor.tx, row.id, row.fixed_in)
    return Fix(
        version=row.fixed_in,
        published_at=release.published_at if release else None,
        steps=_spoken(visitor, steps(product.update_instructions, row.kind)),
        has_evidence=evidence is not None,
    )


async def _reliefs(visitor: Visitor, row: Submission) -> list[Relief]:
    rows = [each for each in await extras.of_case(visitor.tx, row.id) if each.live_at is not None]
    return [_relief(visitor, each, row.kind) for each in rows]


def _relief(visitor: Visitor, row: Extra, kind: Kind) -> Relief:
    is_live = row.state(visitor.tx.at) is ExtraState.LIVE
    return Relief(row, is_live, _spoken(visitor, steps_of_relief(kind)) if is_live else [])


def _spoken(visitor: Visitor, said: list[str]) -> list[str]:
    words = texts_of(visitor).words.get("steps", {})
    return [words.get(each, each) for each in said]
