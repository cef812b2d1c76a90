"""Everything a caller can do wrong, and what can fail under us, as facts in the way of `worded`.

HTTP statuses live at the door, in `api/problems.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sigreq.domain.worded import Worded


class Problem(Worded, Exception):
    """Something went wrong."""

    @property
    def message(self) -> str:
        """What was wrong, what is allowed, what to do: for people."""
        return self.filled()

    def __str__(self) -> str:
        return self.message


# --- who is asking -------------------------------------------------------------------------------------------


class KeyMissing(Problem):
    """This address needs an API key: send the header `Authorization: Bearer sgrq_live_...`."""


class KeyUnknown(Problem):
    """This API key is not known. Check that it was copied whole; keys start with `sgrq_live_`."""


class KeyRevoked(Problem):
    """This API key was revoked. Ask your administrator for a new one."""


@dataclass(eq=False)
class WrongRole(Problem):
    """Your role, {role}, may not do this; it is open to: {allowed}."""

    role: str
    allowed: str


@dataclass(eq=False)
class NotFound(Problem):
    """There is no {what} {id} that you can see."""

    what: str
    id: str


# --- malformed input -----------------------------------------------------------------------------------------


@dataclass(eq=False)
class RequestMalformed(Problem):
    """The request cannot be read: {reason}."""

    reason: str


@dataclass(eq=False)
class FieldInvalid(Problem):
    """The request has fields that cannot be accepted: {summary}."""

    summary: str
    problems: list[dict[str, Any]]


class SampleMissing(Problem):
    """No file came with the submission: send at least one part named `file` after the part `submission`."""


@dataclass(eq=False)
class SampleEmpty(Problem):
    """The file {name} is empty. Send the file's content."""

    name: str


@dataclass(eq=False)
class SampleTooLarge(Problem):
    """The file {name} is over the limit of {limit_bytes} bytes for one submission. Send only the affected file, or ask
    support how to hand over a larger one.
    """

    name: str
    limit_bytes: int


@dataclass(eq=False)
class SamplesTooMany(Problem):
    """More than {limit} files in one submission. Send the rest as further submissions."""

    limit: int


@dataclass(eq=False)
class HashMismatch(Problem):
    """The file {name} does not have the stated {algorithm}: stated {stated}, computed {computed}. Send the file you
    mean, or leave the hash out.
    """

    name: str
    algorithm: str
    stated: str
    computed: str


# --- idempotency and concurrency -----------------------------------------------------------------------------


@dataclass(eq=False)
class IdempotencyKeyReused(Problem):
    """The Idempotency-Key {key} was used for another request. Take a new key for a new submission."""

    key: str


@dataclass(eq=False)
class IfMatchMissing(Problem):
    """This write needs the header If-Match with the ETag of the {what} you read."""

    what: str


@dataclass(eq=False)
class RevisionStale(Problem):
    """{what} {id} has changed since you read it: you hold revision {held}, now it is {current}. Read it again, then
    decide.
    """

    what: str
    id: str
    held: int
    current: int


@dataclass(eq=False)
class StateForbids(Problem):
    """{what} {id} is {state}; `{action}` is possible only when it is {allowed}."""

    what: str
    id: str
    state: str
    action: str
    allowed: str


@dataclass(eq=False)
class ClaimHeld(Problem):
    """Submission {id} is claimed by {holder_name} until {until}."""

    id: str
    holder: str
    until: datetime
    holder_name: str = ""

    def __post_init__(self) -> None:
        """Who has no name is called by what stands there."""
        self.holder_name = self.holder_name or self.holder


@dataclass(eq=False)
class ClaimLapsed(Problem):
    """Your claim on submission {id} has lapsed. Claim it again before you write."""

    id: str


@dataclass(eq=False)
class GroupForeign(Problem):
    """Submission {id} belongs to the group {group}, in which you do not work."""

    id: str
    group: str


@dataclass(eq=False)
class AnotherAnalystNeeded(Problem):
    """Submission {id} came back after your decision; another analyst has to look at it."""

    id: str


# --- deciding ------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class DeterminationUnfit(Problem):
    """The determination {determination} does not fit a {kind}; possible are: {allowed}."""

    determination: str
    kind: str
    allowed: str


@dataclass(eq=False)
class VerdictUnfit(Problem):
    """The verdict {verdict} contradicts the determination {determination}; possible are: {allowed}."""

    determination: str
    verdict: str
    allowed: str


class ReasonMissing(Problem):
    """Lowering the severity needs a reason: send `reason`."""


@dataclass(eq=False)
class AddressPrivate(Problem):
    """{host} is not on the public internet, so no webhook can be sent there. Give a public address."""

    host: str


class WebhookMissing(Problem):
    """Your organisation has no webhook that is in use, so nothing can be sent. Set its address first, also after a
    receiver asked never to be called again.
    """


@dataclass(eq=False)
class DeliveriesTooMany(Problem):
    """{limit} messages that were asked for by hand are still on their way to your webhook. Wait until one has ended;
    the log of deliveries says what keeps them.
    """

    limit: int


@dataclass(eq=False)
class StreamsTooMany(Problem):
    """You have {limit} streams of events open, the most that one person may have. End one of them, then try again."""

    limit: int


@dataclass(eq=False)
class CursorInvalid(Problem):
    """{cursor} is not a cursor of this list. Take `next_cursor` from the answer before."""

    cursor: str


@dataclass(eq=False)
class AlreadyExists(Problem):
    """The {what} {id} exists already."""

    what: str
    id: str


# --- what can fail under us ----------------------------------------------------------------------------------


@dataclass(eq=False)
class CaseFailed(Problem):
    """Something broke on our side over submission {id}. It is logged. Read it again, and retry if it has not moved."""

    id: str


@dataclass(eq=False)
class ServiceUnavailable(Problem):
    """{service} cannot be reached just now. Try again in {retry_after_seconds} seconds; with the same Idempotency-Key
    nothing can happen twice.
    """

    service: str
    retry_after_seconds: int = 5
