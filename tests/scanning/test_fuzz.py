"""Damaged samples leave no trace in the process that has them examined."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bench.fuzz import Figures, fuzz, sample, seeds


def test_damaged_samples_are_all_answered_and_leave_nothing_behind(tmp_path: Path) -> None:
    figures = asyncio.run(fuzz(5, 1, tmp_path))
    assert figures.are_good(), figures
    assert figures.answered > 20
    assert {"archive_broken", "whole"} <= set(figures.outcomes)


def test_the_same_numbers_give_the_same_damage() -> None:
    assert [sample(1, number) for number in range(50)] == [sample(1, number) for number in range(50)]
    assert sample(1, 1) != sample(2, 1)
    assert sum(sample(1, number) in seeds() for number in range(50)) < 5


@pytest.mark.parametrize(
    "bad",
    [
        {"answered": 9},
        {"crashes": ["sample 1: an error"]},
        {"grown_bytes": 51 << 20},
        {"more_descriptors": 1},
        {"files_left": 1},
    ],
)
def test_what_was_not_answered_or_left_behind_is_a_failure(bad: dict[str, object]) -> None:
    good = Figures(started=10, answered=10, deadly=[3])
    assert good.are_good()
    assert not replace(good, **bad).are_good()  # type: ignore[arg-type]
