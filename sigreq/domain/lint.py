"""What is wrong with a rule, and where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sigreq.domain.targets import Target

MAX_PROBLEMS = 40


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a rule's source. A warning keeps nothing from being published.

    `code` is a stable word. `line` and `column` count from 1, the column in characters; None where there is no place.
    Without a `target` it holds for every engine.
    """

    code: str
    message: str
    line: int | None = None
    column: int | None = None
    target: Target | None = None
    is_warning: bool = False

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}"
        place += "" if self.column is None else f", column {self.column}"
        said = [place, "warning" if self.is_warning else "", self.message]
        return ": ".join(filter(None, said))


def in_order(problems: Sequence[Problem]) -> Iterator[Problem]:
    """By their places, at most MAX_PROBLEMS, what keeps the rule from being published before warnings.

    Where there are more, the last is one that says so.
    """
    ordered = sorted(
        dict.fromkeys(problems), key=lambda each: (each.is_warning, each.line or 0, each.column or 0, each.code)
    )
    if len(ordered) > MAX_PROBLEMS:
        left = len(ordered) - MAX_PROBLEMS + 1
        ordered[MAX_PROBLEMS - 1 :] = [Problem("more", f"there are {left} more problems")]
    yield from ordered
