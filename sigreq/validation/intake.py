"""Is this claim worth taking? The database check before the bytes, the acceptance after them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sigreq.domain import errors, plans
from sigreq.domain.claim import Claim
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor
from sigreq.domain.register import DatabaseCheck, DatabaseVerdict, check
from sigreq.domain.submission import SampleFacts
from sigreq.domain.versions import expected_form
from sigreq.store import jobs, people, releases, samples, submissions
from sigreq.store.moves import Move, begin_submission, move_submission
from sigreq.tables.releases import Product
from sigreq.tables.submissions import Submission, SubmissionSample
from sigreq.transaction import Transaction


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
        raise errors.ProductUnknown(product=product_id, known=known or "none yet")
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
            raise errors.DatabaseOutdated(
                **about,
                latest=found.latest,
                latest_published_at=found.latest_published_at,
                outdated_since=found.outdated_since,
                update_instructions=help_text,
            )
        case DatabaseVerdict.WITHDRAWN:
            raise errors.DatabaseWithdrawn(**about, latest=found.latest, update_instructions=help_text)
        case DatabaseVerdict.UNKNOWN_OLDER:
            raise errors.DatabaseVersionUnknown(**about, latest=found.latest)
        case DatabaseVerdict.UNPARSEABLE:
            raise errors.DatabaseVersionUnreadable(**about, expected=expected_form(product.scheme))
        case DatabaseVerdict.NO_DATABASE:
            raise errors.DatabaseMissing(**about, update_instructions=help_text)


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
    if await samples.reserve_key(tx, actor.person_id, key, key_print):
        return None
    before = await samples.answered_before(tx, actor.person_id, key)
    if before is None or before.fingerprint != key_print:
        raise errors.IdempotencyKeyReused(key=key)
    return before.answer


async def accept(
    tx: Transaction, actor: Actor, claim: Claim, found: DatabaseCheck, received: Sequence[SampleFacts]
) -> Accepted:
    """Make a submission of stored samples durable, with its screening job.

    The samples' bytes must be in the store already: a blob without a row is harmless, a row without its blob is not.
    """
    assert actor.organisation_id is not None  # noqa: S101 - only customers may submit, and they have one
    await samples.keep(tx, actor.organisation_id, received)
    hashes = [facts.sha256 for facts in received]
    twin = await submissions.open_twin(tx, actor.organisation_id, claim.product, claim.kind, hashes)
    if twin is None:
        return Accepted(await _begin(tx, actor, actor.organisation_id, claim, found, received))
    data = {"severity": claim.severity, "database_version": claim.database_version, "contact": claim.contact}
    joined = await move_submission(tx, twin.id, Move(Event.DUPLICATE_JOINED, actor, data=data))
    return Accepted(joined, is_joined=True)


async def _begin(
    tx: Transaction,
    actor: Actor,
    organisation_id: str,
    claim: Claim,
    found: DatabaseCheck,
    received: Sequence[SampleFacts],
) -> Submission:
    organisation = await people.organisation(tx, organisation_id)
    plan = await people.plan(tx, organisation.plan_id)
    promised = plans.promise(plan, claim.severity, await people.calendars(tx), tx.at)
    row = Submission(
        id=new_identifier("SR"),
        organisation_id=organisation_id,
        submitted_by=actor.person_id,
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
        track=plan.track,
        state=State.RECEIVED,
        revision=0,
        public_sequence=0,
        received_at=tx.at,
        due_at=promised.due_at,
        warn_at=promised.warn_at,
        is_guaranteed=promised.is_guaranteed,
        needs_attention="database_unknown_newer" if found.verdict is DatabaseVerdict.UNKNOWN_NEWER else None,
    )
    await begin_submission(tx, row, actor, {"kind": claim.kind, "severity": claim.severity, "track": plan.track})
    for position, facts in enumerate({facts.sha256: facts for facts in received}.values()):
        tx.session.add(SubmissionSample(submission_id=row.id, sha256=facts.sha256, position=position, name=facts.name))
    jobs.add(tx, jobs.JobName.SCREEN, plan.track, {"submission_id": row.id})
    return row
