"""Bytes around hits: bounded whatever hit where."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.hexview import AROUND, LONGEST, MOST, ROW, Window, rows, windows

SIZES = st.integers(1, 5_000)
OFFSETS = st.lists(st.integers(-10, 6_000), max_size=60)


@given(OFFSETS, SIZES)
def test_windows_are_few_short_apart_and_inside_the_file(offsets: list[int], size: int) -> None:
    found = windows(offsets, size)
    assert len(found) <= MOST
    assert all(0 <= each.start < each.end <= size and each.end - each.start <= LONGEST for each in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(any(place in each for place in offsets) for each in found), "nothing is shown that no rule hit"
    inside = sorted({each for each in offsets if 0 <= each < size})
    assert not inside or inside[0] in found[0], "the first hit is always shown"


@given(st.integers(0, 5_000), SIZES)
def test_a_lone_hit_is_shown_with_what_stands_around_it(offset: int, size: int) -> None:
    for each in windows([offset], size):
        assert each.start <= max(0, offset - AROUND) < each.start + ROW
        assert each.end >= min(size, offset + AROUND)


@given(st.binary(max_size=LONGEST), st.sets(st.integers(0, LONGEST)))
def test_rows_hold_the_bytes_and_nothing_that_a_page_could_obey(content: bytes, hits: set[int]) -> None:
    found = rows(content, Window(0, len(content)), hits)
    cells = [cell for row in found for cell in row.cells]
    assert bytes.fromhex("".join(cell.hex for cell in cells)) == content
    assert all(len(cell.text) == 1 and cell.text.isascii() and cell.text.isprintable() for cell in cells)
    assert {at for at, cell in enumerate(cells) if cell.is_hit} == {each for each in hits if each < len(content)}
    assert [row.offset for row in found] == list(range(0, len(content), ROW))
