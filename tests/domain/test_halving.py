"""The first good version is found by looking at few."""

from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.halving import first_without


def play(shows: list[bool]) -> tuple[int, list[int]]:
    """The version found, and those looked at."""
    looked = []
    search = first_without(range(len(shows)))
    try:
        version = next(search)
        while True:
            looked.append(version)
            version = search.send(shows[version])
    except StopIteration as found:
        return found.value, looked


@given(st.integers(0, 300), st.integers(1, 300))
def test_the_first_version_without_the_fault_is_found_in_a_few_looks(bad: int, good: int) -> None:
    found, looked = play([True] * bad + [False] * good)
    assert found == bad
    assert len(looked) == len(set(looked)) <= (bad + good - 1).bit_length()


@given(st.lists(st.booleans()))
def test_where_the_fault_came_and_went_the_version_found_still_has_it_gone_and_the_one_before_has_it(
    shows: list[bool],
) -> None:
    shows = [*shows, False]
    found, _ = play(shows)
    assert not shows[found]
    assert found == 0 or shows[found - 1]
