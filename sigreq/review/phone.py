"""Phone calls: logged on a submission, or the beginning of one."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from sigreq.domain.clock import Happening
from sigreq.domain.contract_errors import CallOutOfTime, UploadLinkExpired, UploadLinkUnknown, UploadLinkUsed
from sigreq.domain.lifecycle import Event
from sigreq.domain.people import Actor
from sigreq.store import clocks, people, phone, submissions
from sigreq.store.moves import Move, move_submission
from sigreq.tables.submissions import PhoneRequest, Submission
from sigreq.transaction import Transaction


@dataclass(frozen=True)
class Call:
    """A phone call as its taker noted it."""

    called_at: datetime
    note: str | None


async def log_call(tx: Transaction, actor: Actor, submission_id: str, held: int, call: Call) -> Submission:
    """Note the customer's call, which can start their clock. Raises CallOutOfTime."""
    submission = await submissions.lock(tx, submission_id)
    check_time(submission.id, call.called_at, submission.received_at, tx.at)
    clocked = await clocks.values_after(tx, submission, Happening(Event.PHONE_CALLED, call.called_at))
    values = {**clocked, "phone_needed_until": None}
    data = {"called_at": call.called_at.isoformat(), "note": call.note}
    return await move_submission(tx, submission_id, Move(Event.PHONE_CALLED, actor, held, None, values, data))


def check_time(about: str, called_at: datetime, earliest: datetime, now: datetime) -> None:
    """A call is neither in the future nor before what it is about. Raises CallOutOfTime."""
    if not earliest <= called_at <= now:
        raise CallOutOfTime(id=about, called_at=called_at, earliest=earliest, latest=now)


async def register(
    tx: Transaction, actor: Actor, organisation_id: str, claim: dict[str, Any], called_at: datetime, valid: timedelta
) -> tuple[PhoneRequest, str]:
    """Write down a request made by phone; the token of the link by which its file comes is readable only now."""
    await people.organisation(tx, organisation_id)
    identifier = f"PR-{uuid4().hex[:12]}"
    check_time(identifier, called_at, tx.at - timedelta(days=1), tx.at)
    token = secrets.token_urlsafe(24)
    row = PhoneRequest(
        id=identifier,
        token_digest=digest(token),
        organisation_id=organisation_id,
        claim=claim,
        called_at=called_at,
        taken_by=actor.person_id,
        expires_at=tx.at + valid,
    )
    tx.session.add(row)
    await tx.session.flush()
    return row, token


async def usable(tx: Transaction, token: str, *, is_locking: bool = False) -> PhoneRequest:
    """The request behind a link. Raises UploadLinkUnknown, UploadLinkUsed, UploadLinkExpired."""
    row = await phone.by_digest(tx, digest(token), is_locking=is_locking)
    if row is None:
        raise UploadLinkUnknown
    if row.used_at is not None:
        raise UploadLinkUsed(used_at=row.used_at)
    if row.expires_at <= tx.at:
        raise UploadLinkExpired(expired_at=row.expires_at)
    return row


def digest(token: str) -> str:
    """What is stored of a link's token."""
    return sha256(token.encode()).hexdigest()
