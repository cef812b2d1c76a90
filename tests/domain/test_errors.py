"""An error is a fact: a stable code, a message without holes, fields for programs."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest

from sigreq.domain import errors, release_errors
from sigreq.domain.errors import Problem, RevisionStale


def _kinds(base: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for kind in base.__subclasses__():
        if kind.__module__ in {errors.__name__, release_errors.__name__}:
            yield kind
            yield from _kinds(kind)


def _made(kind: type[Problem]) -> Problem:
    return kind(**{field.name: f"<{field.name}>" for field in fields(kind)}) if is_dataclass(kind) else kind()


@pytest.mark.parametrize("kind", list(_kinds()), ids=lambda kind: kind.__name__)
def test_a_message_is_one_line_of_sentences_with_every_field_filled_in(kind: type[Problem]) -> None:
    problem = _made(kind)
    assert problem.message == str(problem)
    assert problem.message.rstrip()[-1] in ".>"
    assert "\n" not in problem.message
    assert "{" not in problem.message
    assert "  " not in problem.message


@pytest.mark.parametrize("kind", list(_kinds()), ids=lambda kind: kind.__name__)
def test_the_data_never_hides_a_member_of_the_problem_document(kind: type[Problem]) -> None:
    assert not set(_made(kind).data) & {"type", "title", "status", "detail", "code", "instance"}


def test_a_code_is_the_name_in_snake_case() -> None:
    stale = RevisionStale(what="Change", id="CH-1", held=3, current=4)
    assert stale.code == "revision_stale"
    assert stale.data == {"what": "Change", "id": "CH-1", "held": 3, "current": 4}
    assert "you hold revision 3, now it is 4" in stale.message


def test_no_two_problems_share_a_code() -> None:
    codes = [_made(kind).code for kind in _kinds()]
    assert len(codes) == len(set(codes))
