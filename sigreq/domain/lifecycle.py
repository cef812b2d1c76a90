"""The states of a submission and of a change, and the one table of moves for each.

An event is a move, or a note that leaves the state as it is (`to=None`). Every event is exactly one row, and an
event's number is the revision the move produced: revision 7 of a submission is what event 7 made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a submission stands."""

    RECEIVED = "received"
    SCREENING = "screening"
    QUEUED = "queued"
    IN_ANALYSIS = "in_analysis"
    AWAITING_CUSTOMER = "awaiting_customer"
    DETERMINED = "determined"
    FIXED = "fixed"
    CLOSED = "closed"


class ChangeState(StrEnum):
    """Where a signature change stands."""

    DRAFTED = "drafted"
    TESTING = "testing"
    TESTED = "tested"
    GATE_FAILED = "gate_failed"
    APPROVED = "approved"
    PICKED_UP = "picked_up"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Transition:
    """From where, to where (None: stays), and whether the customer is told."""

    sources: frozenset[StrEnum]
    to: StrEnum | None = None
    is_public: bool = False


class Event(StrEnum):
    """What happens to a submission."""

    RECEIVED = "received"
    SCREENING_STARTED = "screening_started"
    SCREENED = "screened"
    ANSWERED_AUTOMATICALLY = "answered_automatically"
    TAKEN = "taken"
    RESUMED = "resumed"
    CLAIM_RENEWED = "claim_renewed"
    GIVEN_BACK = "given_back"
    CLAIM_LAPSED = "claim_lapsed"
    ASKED = "asked"
    REPLIED = "replied"
    COMMENTED = "commented"
    ANSWERED = "answered"
    SEVERITY_CHANGED = "severity_changed"
    DETERMINED = "determined"
    FIX_APPROVED = "fix_approved"
    PROOF_FAILED = "proof_failed"
    FIXED = "fixed"
    FIX_WITHDRAWN = "fix_withdrawn"
    VERSION_WITHDRAWN = "version_withdrawn"
    CONCLUDED = "concluded"
    CONFIRMED = "confirmed"
    CLOSED_AFTER_SILENCE = "closed_after_silence"
    STILL_HAPPENS = "still_happens"
    DISPUTED = "disputed"
    REGRESSED = "regressed"
    WITHDRAWN = "withdrawn"
    DUPLICATE_JOINED = "duplicate_joined"
    SAMPLE_DOWNLOADED = "sample_downloaded"
    ATTENTION_RAISED = "attention_raised"
    ATTENTION_CLEARED = "attention_cleared"
    PHONE_CALLED = "phone_called"
    CALENDAR_CHANGED = "calendar_changed"
    MISS_EXPLAINED = "miss_explained"
    EXAMINATION_ASKED = "examination_asked"
    EXAMINED_AGAIN = "examined_again"
    RELIEF_PROPOSED = "relief_proposed"
    RELIEF_GIVEN = "relief_given"
    RELIEF_DROPPED = "relief_dropped"
    RELIEF_ENDED = "relief_ended"
    EXTRA_PUBLISHED = "extra_published"
    EXTRA_ENDED = "extra_ended"


class ChangeEvent(StrEnum):
    """What happens to a signature change."""

    DRAFTED = "drafted"
    REVISED = "revised"
    TEST_STARTED = "test_started"
    TEST_PASSED = "test_passed"
    TEST_FAILED = "test_failed"
    APPROVED = "approved"
    REJECTED = "rejected"
    PICKED_UP = "picked_up"
    PUBLISHED = "published"
    RELEASE_REJECTED = "release_rejected"
    RELEASE_WITHDRAWN = "release_withdrawn"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"


def _of(*states: StrEnum) -> frozenset[StrEnum]:
    return frozenset(states)


_ANY = frozenset[StrEnum](State)
_OPEN = _ANY - {State.CLOSED}
_HELD = _of(State.IN_ANALYSIS)

TRANSITIONS: Mapping[Event, Transition] = {
    Event.RECEIVED: Transition(_of(), State.RECEIVED, is_public=True),
    Event.SCREENING_STARTED: Transition(_of(State.RECEIVED), State.SCREENING),
    Event.SCREENED: Transition(_of(State.SCREENING), State.QUEUED, is_public=True),
    Event.ANSWERED_AUTOMATICALLY: Transition(_of(State.SCREENING), State.CLOSED, is_public=True),
    Event.TAKEN: Transition(_of(State.QUEUED), State.IN_ANALYSIS, is_public=True),
    Event.RESUMED: Transition(_of(State.AWAITING_CUSTOMER, State.DETERMINED), State.IN_ANALYSIS, is_public=True),
    Event.CLAIM_RENEWED: Transition(_HELD),
    Event.GIVEN_BACK: Transition(_HELD, State.QUEUED),
    Event.CLAIM_LAPSED: Transition(_HELD, State.QUEUED),
    Event.ASKED: Transition(_HELD, State.AWAITING_CUSTOMER, is_public=True),
    Event.REPLIED: Transition(_of(State.AWAITING_CUSTOMER), State.IN_ANALYSIS, is_public=True),
    Event.COMMENTED: Transition(_OPEN - {State.AWAITING_CUSTOMER}, is_public=True),
    Event.ANSWERED: Transition(_HELD, is_public=True),
    Event.SEVERITY_CHANGED: Transition(_OPEN - {State.DETERMINED, State.FIXED}, is_public=True),
    Event.DETERMINED: Transition(_HELD, State.DETERMINED, is_public=True),
    Event.FIX_APPROVED: Transition(_of(State.DETERMINED), is_public=True),
    Event.PROOF_FAILED: Transition(_of(State.DETERMINED), State.IN_ANALYSIS, is_public=True),
    Event.FIXED: Transition(_of(State.DETERMINED), State.FIXED, is_public=True),
    Event.FIX_WITHDRAWN: Transition(_of(State.FIXED), State.DETERMINED, is_public=True),
    Event.VERSION_WITHDRAWN: Transition(_OPEN, is_public=True),
    Event.CONCLUDED: Transition(_of(State.DETERMINED), State.CLOSED, is_public=True),
    Event.CONFIRMED: Transition(_of(State.FIXED), State.CLOSED, is_public=True),
    Event.CLOSED_AFTER_SILENCE: Transition(_of(State.FIXED), State.CLOSED, is_public=True),
    Event.STILL_HAPPENS: Transition(_of(State.FIXED, State.CLOSED), State.QUEUED, is_public=True),
    Event.DISPUTED: Transition(_of(State.FIXED, State.CLOSED), State.QUEUED, is_public=True),
    Event.REGRESSED: Transition(_of(State.FIXED, State.CLOSED), State.QUEUED, is_public=True),
    Event.WITHDRAWN: Transition(_OPEN, State.CLOSED, is_public=True),
    Event.DUPLICATE_JOINED: Transition(_OPEN, is_public=True),
    Event.SAMPLE_DOWNLOADED: Transition(_ANY),
    Event.ATTENTION_RAISED: Transition(_ANY),
    Event.ATTENTION_CLEARED: Transition(_ANY),
    Event.PHONE_CALLED: Transition(_OPEN, is_public=True),
    Event.CALENDAR_CHANGED: Transition(_OPEN, is_public=True),
    Event.MISS_EXPLAINED: Transition(_ANY),
    Event.EXAMINATION_ASKED: Transition(_OPEN - {State.RECEIVED, State.SCREENING}),
    Event.EXAMINED_AGAIN: Transition(_OPEN - {State.RECEIVED, State.SCREENING}, is_public=True),
    Event.RELIEF_PROPOSED: Transition(_HELD | {State.DETERMINED}),
    Event.RELIEF_GIVEN: Transition(_OPEN - {State.RECEIVED, State.SCREENING, State.FIXED}, is_public=True),
    Event.RELIEF_DROPPED: Transition(_ANY),
    Event.RELIEF_ENDED: Transition(_ANY, is_public=True),
    Event.EXTRA_PUBLISHED: Transition(_of(State.DETERMINED), is_public=True),
    Event.EXTRA_ENDED: Transition(_of(State.DETERMINED), is_public=True),
}

CHANGE_TRANSITIONS: Mapping[ChangeEvent, Transition] = {
    ChangeEvent.DRAFTED: Transition(_of(), ChangeState.DRAFTED),
    ChangeEvent.REVISED: Transition(
        _of(ChangeState.DRAFTED, ChangeState.TESTED, ChangeState.GATE_FAILED), ChangeState.DRAFTED
    ),
    ChangeEvent.TEST_STARTED: Transition(
        _of(ChangeState.DRAFTED, ChangeState.TESTED, ChangeState.GATE_FAILED), ChangeState.TESTING
    ),
    ChangeEvent.TEST_PASSED: Transition(_of(ChangeState.TESTING), ChangeState.TESTED),
    ChangeEvent.TEST_FAILED: Transition(_of(ChangeState.TESTING), ChangeState.GATE_FAILED),
    ChangeEvent.APPROVED: Transition(_of(ChangeState.TESTED), ChangeState.APPROVED),
    ChangeEvent.REJECTED: Transition(_of(ChangeState.TESTED), ChangeState.DRAFTED),
    ChangeEvent.PICKED_UP: Transition(_of(ChangeState.APPROVED), ChangeState.PICKED_UP),
    ChangeEvent.PUBLISHED: Transition(_of(ChangeState.APPROVED, ChangeState.PICKED_UP), ChangeState.PUBLISHED),
    ChangeEvent.RELEASE_WITHDRAWN: Transition(_of(ChangeState.PUBLISHED), ChangeState.APPROVED),
    ChangeEvent.ROLLED_BACK: Transition(_of(ChangeState.PUBLISHED), ChangeState.GATE_FAILED),
    ChangeEvent.RELEASE_REJECTED: Transition(_of(ChangeState.APPROVED, ChangeState.PICKED_UP), ChangeState.GATE_FAILED),
    ChangeEvent.WITHDRAWN: Transition(
        _of(ChangeState.DRAFTED, ChangeState.TESTED, ChangeState.GATE_FAILED, ChangeState.APPROVED),
        ChangeState.WITHDRAWN,
    ),
}
