import hashlib

import pytest
import tlsh  # type: ignore[import-not-found] # ships no types
from hypothesis import given
from hypothesis import strategies as st

from sigreq.scanning.nearness import near

WHOLE = hashlib.shake_256(b"1").digest(20_000)
INVALID = ["", "TNULL", "T1", "T1" + "g" * 70, "é" * 72, "\ud800", "\0" * 72, tlsh.hash(WHOLE) + "0"]

digests = st.integers(0, 300).map(lambda seed: tlsh.hash(hashlib.shake_256(b"%d" % seed).digest(300)))
variants = st.integers(0, 19_000).map(lambda cut: tlsh.hash(WHOLE[:cut] + b"another part" * 5 + WHOLE[cut:]))
others = st.lists(digests | variants | st.sampled_from(INVALID), max_size=30)


def test_a_changed_copy_is_near_and_another_file_is_not() -> None:
    copy, other = tlsh.hash(WHOLE[:-500]), tlsh.hash(hashlib.shake_256(b"2").digest(20_000))
    found = near(tlsh.hash(WHOLE), [("other", other), ("copy", copy), ("itself", tlsh.hash(WHOLE))], 10)
    assert [key for key, _ in found] == ["itself", "copy"]
    assert found[0][1] == 0 < found[1][1] < 30


@pytest.mark.parametrize("digest", INVALID)
def test_nothing_is_near_to_what_is_no_digest(digest: str) -> None:
    assert near(digest, [("itself", digest), ("a digest", tlsh.hash(WHOLE))], 10, 10_000) == []


def test_digests_are_known_with_and_without_their_version() -> None:
    digest = tlsh.hash(WHOLE)
    assert near(digest, [("old", digest.removeprefix("T1"))], 1) == [("old", 0)]


@given(digests | variants, others, st.integers(0, 10), st.integers(0, 400))
def test_the_nearest_come_first_and_no_nearer_one_is_left_out(
    digest: str, candidates: list[str], limit: int, at_most: int
) -> None:
    found = near(digest, enumerate(candidates), limit, at_most)
    valid = {key: other for key, other in enumerate(candidates) if other not in INVALID}
    distances = {key: tlsh.diff(digest, other) for key, other in valid.items()}
    expected = sorted((distance, key) for key, distance in distances.items() if distance <= at_most)[:limit]
    assert found == [(key, distance) for distance, key in expected]


@given(digests | variants, digests | variants)
def test_nearness_is_mutual_and_its_bound_is_included(one: str, another: str) -> None:
    ((_, distance),) = near(one, [(0, another)], 1, 10_000)
    assert near(another, [(0, one)], 1, distance) == [(0, distance)]
    assert near(another, [(0, one)], 1, distance - 1) == []
