"""The tables of moves hold for every sequence of events."""

from enum import StrEnum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sigreq.domain.lifecycle import (
    CHANGE_TRANSITIONS,
    TRANSITIONS,
    ChangeEvent,
    ChangeState,
    Event,
    State,
    Transition,
)

TABLES = [(TRANSITIONS, Event, State), (CHANGE_TRANSITIONS, ChangeEvent, ChangeState)]


def _after(state: StrEnum, transition: Transition) -> StrEnum:
    """The state after an event; one that is not allowed changes nothing."""
    return (transition.to or state) if state in transition.sources else state


def _reachable(table: dict[StrEnum, Transition], start: StrEnum) -> set[StrEnum]:
    found, todo = {start}, [start]
    while todo:
        state = todo.pop()
        fresh = {_after(state, transition) for transition in table.values()} - found
        found |= fresh
        todo += fresh
    return found


@pytest.mark.parametrize(("table", "events", "states"), TABLES)
def test_every_event_has_its_row_and_every_state_is_reached(
    table: dict[StrEnum, Transition], events: type[StrEnum], states: type[StrEnum]
) -> None:
    assert set(table) == set(events)
    (first,) = [row.to for row in table.values() if not row.sources]
    assert first is not None
    assert _reachable(table, first) == set(states)


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_a_closed_submission_is_opened_only_by_its_customer_or_a_fix_that_came_undone(events: list[Event]) -> None:
    state: StrEnum = State.RECEIVED
    for event in events:
        before, state = state, _after(state, TRANSITIONS[event])
        assert state in State
        if before is State.CLOSED and state is not State.CLOSED:
            assert event in {Event.STILL_HAPPENS, Event.DISPUTED, Event.REGRESSED}
            assert state is State.QUEUED


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_fixed_is_said_only_of_what_was_determined(events: list[Event]) -> None:
    state: StrEnum = State.RECEIVED
    for event in events:
        before, state = state, _after(state, TRANSITIONS[event])
        if state is State.FIXED and before is not State.FIXED:
            assert (before, event) == (State.DETERMINED, Event.FIXED)


@given(st.lists(st.sampled_from(ChangeEvent), max_size=40))
@example(
    [
        ChangeEvent.TEST_STARTED,
        ChangeEvent.TEST_PASSED,
        ChangeEvent.APPROVED,
        ChangeEvent.PUBLISHED,
        ChangeEvent.RELEASE_WITHDRAWN,
    ]
)
def test_what_is_published_was_approved_and_stays_so_unless_its_version_is_withdrawn(events: list[ChangeEvent]) -> None:
    state: StrEnum = ChangeState.DRAFTED
    was_approved = False
    for event in events:
        before, state = state, _after(state, CHANGE_TRANSITIONS[event])
        was_approved = (was_approved or state is ChangeState.APPROVED) and state is not ChangeState.DRAFTED
        if before is ChangeState.PUBLISHED and event is ChangeEvent.RELEASE_WITHDRAWN:
            assert state is ChangeState.APPROVED
        elif before in {ChangeState.PUBLISHED, ChangeState.WITHDRAWN}:
            assert state is before
        if state in {ChangeState.PUBLISHED, ChangeState.PICKED_UP}:
            assert was_approved


def test_what_only_staff_do_among_themselves_is_not_told() -> None:
    private = {event for event, row in TRANSITIONS.items() if not row.is_public}
    assert private == {
        Event.SCREENING_STARTED,
        Event.CLAIM_RENEWED,
        Event.GIVEN_BACK,
        Event.CLAIM_LAPSED,
        Event.SAMPLE_DOWNLOADED,
        Event.ATTENTION_RAISED,
        Event.ATTENTION_CLEARED,
        Event.MISS_EXPLAINED,
        Event.EXAMINATION_ASKED,
        Event.RELIEF_PROPOSED,
        Event.RELIEF_DROPPED,
    }
