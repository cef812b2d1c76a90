"""Is this claim worth taking? The database check before the bytes, the acceptance after them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sigreq.domain import database_errors, errors
from sigreq.domain.claim import Claim
from sigreq.domain.clock import Happening
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor
from sigreq.domain.plans import Plan
from sigreq.domain.register import DatabaseCheck, DatabaseVerdict, check
from sigreq.domain.submission import SampleFacts, Track
from sigreq.domain.versions import expected_form
from sigreq.store import (
    calendars,
    clocks,
    contracts,
    files,
    idempotency,
    jobs,
    people,
    releases,
    samples,
    submissions,
    withdrawn,
)
from sigreq.store.moves import Move, begin_submission, move_submission
from sigreq.tables.people import Contract
from sigreq.tables.releases import Product
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from sigreq.validation import again


@dataclass(frozen=True)
class Accepted:
    """A durable submission. Joined: the customer had an open one for the same file."""

    submission: Submission
    is_joined: bool = False


async def check_database(tx: Transaction, product_id: str, claimed: str) -> tuple[Product, DatabaseCheck]:
    """Judge a claimed database version by the release register. Raises ProductUnknown."""
    product = await releases.product(tx, product_id)
    if product is None:
        known = ", ".join(each.id for each in await releases.products(tx))
        raise database_errors.ProductUnknown(product=product_id, known=known or "none yet")
    register = await releases.register(tx, product_id)
    grace = timedelta(seconds=product.grace_seconds)
    return product, check(product.scheme, claimed, register, tx.at, grace)


def refuse_unless_latest(product: Product, found: DatabaseCheck) -> None:
    """Raise the error that tells the customer what is wrong with the version they claim."""
    about = {"product": product.id, "claimed": found.claimed}
    help_text = product.update_instructions
    match found.verdict:
        case DatabaseVerdict.OUTDATED:
            assert found.latest and found.latest_published_at and found.outdated_since  # noqa: S101, PT018 - a newer one is out
            raise database_errors.DatabaseOutdated(
                **about,
                latest=found.latest,
                latest_published_at=found.latest_published_at,
                outdated_since=found.outdated_since,
                update_instructions=help_text,
            )
        case DatabaseVerdict.WITHDRAWN:
            raise database_errors.DatabaseWithdrawn(**about, latest=found.latest, update_instructions=help_text)
        case DatabaseVerdict.UNKNOWN_OLDER:
            raise database_errors.DatabaseVersionUnknown(**about, latest=found.latest)
        case DatabaseVerdict.UNPARSEABLE:
            raise database_errors.DatabaseVersionUnreadable(**about, expected=expected_form(product.scheme))
        case DatabaseVerdict.NO_DATABASE:
            raise database_errors.DatabaseMissing(**about, update_instructions=help_text)


def check_hashes(claim: Claim, received: Sequence[SampleFacts]) -> None:
    """Compare what the customer stated with what came. Raises HashMismatch."""
    for name, stated in claim.hashes:
        meant = [facts for facts in received if name in {None, facts.name}]
        if all(facts.sha256 != stated for facts in meant):
            computed = ", ".join(facts.sha256 for facts in meant) or "none, because no such file came"
            raise errors.HashMismatch(name=name or meant[0].name, algorithm="sha256", stated=stated, computed=computed)


def fingerprint(claim: Claim, received: Sequence[SampleFacts]) -> str:
    """Equal for equal submissions: what was said, and the content and names of the files."""
    said = json.dumps([asdict(claim), [asdict(facts) for facts in received]], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


async def answer_given(tx: Transaction, actor: Actor, key: str, key_print: str) -> dict[str, Any] | None:
    """Reserve an idempotency key; if it was used before, the answer it got. Raises IdempotencyKeyReused."""
    if await idempotency.reserve_key(tx, actor.person_id, key, key_print):
        return None
    before = await idempotency.answered_before(tx, actor.person_id, key)
    if before is None or before.fingerprint != key_print:
        raise errors.IdempotencyKeyReused(key=key)
    return before.answer


@dataclass(frozen=True)
class Sender:
    """For which organisation a submission is made, and by whom: its own people, or staff who took a phone call."""

    organisation_id: str
    actor: Actor
    called_at: datetime | None = None


async def accept(
    tx: Transaction, sender: Sender, claim: Claim, found: DatabaseCheck, received: Sequence[SampleFacts]
) -> Accepted:
    """Make a submission of stored samples durable, with its screening job.

    The samples' bytes must be in the store already: a blob without a row is harmless, a row without its blob is not.
    """
    await samples.keep(tx, sender.organisation_id, received)
    hashes = [facts.sha256 for facts in received]
    twin = await submissions.open_twin(tx, sender.organisation_id, claim.product, claim.kind, hashes)
    if twin is not None:
        joined = await _join(tx, sender, claim, twin)
        return Accepted(await _log_call(tx, sender, joined), is_joined=True)
    row = await _row(tx, sender, claim, found)
    await begin_submission(tx, row, sender.actor, {"kind": claim.kind, "severity": claim.severity, "track": row.track})
    await files.sent(tx, row.id, received)
    await _charge(tx, row)
    row = await _log_call(tx, sender, row)
    if await withdrawn.tell_if_withdrawn(tx, row.product_id, row.database_version, row.id):
        row = await submissions.get(tx, row.id)
    jobs.add(tx, jobs.JobName.SCREEN, row.track, {"submission_id": row.id})
    return Accepted(row)


async def _join(tx: Transaction, sender: Sender, claim: Claim, twin: Submission) -> Submission:
    """Add a second report to the open one. What makes it more urgent counts; nothing can make it less so."""
    data = {"severity": claim.severity, "database_version": claim.database_version, "contact": claim.contact}
    data |= _said_otherwise(claim, twin)
    added = again.password_added(twin, claim.archive_password)
    move = Move(Event.DUPLICATE_JOINED, sender.actor, None, None, added, {**data, "password_added": bool(added)})
    joined = await move_submission(tx, twin.id, move)
    if added:
        again.examine(tx, joined)
    if claim.severity >= joined.severity or joined.state is State.DETERMINED:
        return joined
    clocked = await clocks.values_after(tx, joined, Happening(Event.SEVERITY_CHANGED, tx.at, claim.severity))
    told = {"from": joined.severity, "to": int(claim.severity), "reason": "The same file was reported as more urgent."}
    raised = {**clocked, "severity": int(claim.severity)}
    return await move_submission(tx, twin.id, Move(Event.SEVERITY_CHANGED, sender.actor, None, None, raised, told))


def _said_otherwise(claim: Claim, twin: Submission) -> dict[str, Any]:
    """What the second report says that the first did not: the row stays as it is, so the event has to tell it."""
    fields = ("product_version", "detection_name", "expected_verdict")
    said = {name: getattr(claim, name) for name in fields} | dict(claim.details)
    before = {name: getattr(twin, name) for name in fields} | twin.details
    return {name: value for name, value in said.items() if value is not None and value != before.get(name)}


async def _log_call(tx: Transaction, sender: Sender, row: Submission) -> Submission:
    """A request made by phone is the call that may be needed, and can start the clock."""
    if sender.called_at is None:
        return row
    clocked = await clocks.values_after(tx, row, Happening(Event.PHONE_CALLED, sender.called_at))
    values = {**clocked, "phone_needed_until": None}
    data = {"called_at": sender.called_at.isoformat(), "note": "The request was made by phone."}
    return await move_submission(tx, row.id, Move(Event.PHONE_CALLED, sender.actor, values=values, data=data))


async def _terms(tx: Transaction, organisation_id: str) -> tuple[Contract | None, Plan, bool]:
    """The contract, the plan whose promises hold, and whether it costs a premium incident.

    With no incident left the request is a standard one: never refused, and said at once. The contract stays locked,
    so that of many submissions at once exactly as many are premium as there are incidents.
    """
    contract = await contracts.in_force(tx, organisation_id, is_locking=True)
    if contract is None:
        return None, await people.plan(tx, contracts.STANDARD), False
    plan = await people.plan(tx, contract.plan_id)
    if plan.track is not Track.EXPEDITED or not plan.costs_premium:
        return contract, plan, False
    if (await contracts.balance(tx, contract, plan)).can_reserve:
        return contract, plan, True
    return contract, await people.plan(tx, contracts.STANDARD), False


async def _charge(tx: Transaction, row: Submission) -> None:
    if row.is_premium and row.contract_id is not None:
        await contracts.reserve(tx, row.contract_id, row.id)


async def _row(tx: Transaction, sender: Sender, claim: Claim, found: DatabaseCheck) -> Submission:
    contract, plan, is_premium = await _terms(tx, sender.organisation_id)
    terms = await clocks.terms_of(tx, plan)
    clock = clocks.first(claim.severity, terms, await calendars.all_revisions(tx), tx.at)
    return Submission(
        id=new_identifier("SR"),
        organisation_id=sender.organisation_id,
        submitted_by=sender.actor.person_id,
        kind=claim.kind,
        product_id=claim.product,
        product_version=claim.product_version,
        database_version=found.matched or claim.database_version,
        database_verdict=found.verdict,
        latest_version=found.latest,
        severity=claim.severity,
        expected_verdict=claim.expected_verdict,
        detection_name=claim.detection_name,
        contact=claim.contact,
        details=dict(claim.details),
        archive_password=claim.archive_password,
        plan_id=plan.id,
        contract_id=contract.id if contract else None,
        group_id=plan.group,
        terms=terms.to_document(),
        is_premium=is_premium,
        phone_number=plan.phone_number,
        phone_needed_until=await clocks.call_needed_until(tx, clock, terms),
        track=plan.track,
        state=State.RECEIVED,
        revision=0,
        public_sequence=0,
        received_at=tx.at,
        needs_attention="database_unknown_newer" if found.verdict is DatabaseVerdict.UNKNOWN_NEWER else None,
        **clocks.kept(clock),
    )
