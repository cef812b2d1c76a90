"""What the compiling child says of one rule, believed as little as all that children answer."""

from typing import Annotated

from msgspec import Meta

from sigreq.domain.lint import MAX_PROBLEMS, Problem
from sigreq.domain.targets import Target
from sigreq.scanning.process import REPLY_BYTES
from sigreq.scanning.replies import Reply, Text, decoded, valid_text

Place = Annotated[int, Meta(ge=1, le=1 << 31)]


class _ProblemReply(Reply):
    code: Annotated[str, Meta(pattern="^[a-z0-9_]{1,60}$")]
    message: Text
    line: Place | None
    column: Place | None
    target: Target | None
    is_warning: bool


class _LintReply(Reply):
    problems: Annotated[list[_ProblemReply], Meta(max_length=MAX_PROBLEMS)]


class _FormatReply(Reply):
    source: Annotated[str, Meta(max_length=REPLY_BYTES)] | None


def problems(reply: bytes) -> tuple[Problem, ...]:
    """What is wrong with a rule. Raises ValueError."""
    said = decoded(reply, _LintReply).problems
    return tuple(
        Problem(each.code, valid_text(each.message), each.line, each.column, each.target, each.is_warning)
        for each in said
    )


def formatted(reply: bytes) -> str | None:
    """A rule laid out; None when it cannot be. Raises ValueError."""
    source = decoded(reply, _FormatReply).source
    return None if source is None else valid_text(source)
