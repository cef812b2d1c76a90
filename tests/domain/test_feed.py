"""What a cursor of the feed is worth."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.feed import START, Entry, Page, Place, check_cursor, mark_of
from sigreq.domain.release_errors import CursorAhead, CursorForeign, CursorTooOld
from sigreq.domain.submission import Track

AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def page(*numbers: int, first: int = 1, head: int = 9, mark: str | None = "5", limit: int = 100) -> Page:
    entries = [
        Entry(number, "approved", Track.STANDARD, AT + timedelta(seconds=number), "change", {}) for number in numbers
    ]
    return Page(entries, first, Place(head, "head"), mark, limit)


def test_a_full_page_is_gone_on_behind_its_last_entry() -> None:
    assert page(3, 5, limit=2).next == Place(5, mark_of(AT + timedelta(seconds=5)))


def test_a_page_that_is_not_full_is_gone_on_behind_the_entries_of_all_products() -> None:
    assert page(3, 5, limit=3).next == Place(9, "head")


def test_an_empty_feed_begins_at_its_start() -> None:
    empty = Page([], 0, START, None, 100)
    check_cursor("av", 0, None, empty)
    assert empty.next == START


def test_a_cursor_behind_the_end_is_ahead() -> None:
    with pytest.raises(CursorAhead):
        check_cursor("av", 10, None, page())


def test_a_cursor_just_before_the_oldest_entry_has_lost_nothing() -> None:
    check_cursor("av", 3, "any", page(first=4, mark=None))
    with pytest.raises(CursorTooOld) as caught:
        check_cursor("av", 2, None, page(first=4, mark=None))
    assert caught.value.oldest == 3


def test_a_cursor_whose_entry_is_another_one_is_of_another_feed() -> None:
    check_cursor("av", 7, "5", page(mark="5"))
    check_cursor("av", 7, None, page(mark="6"))
    with pytest.raises(CursorForeign):
        check_cursor("av", 7, "5", page(mark="6"))


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_two_times_have_the_same_mark_only_if_they_are_the_same(one: datetime, other: datetime) -> None:
    assert (mark_of(one) == mark_of(other)) == (one == other)
