"""Reads what a form of a page says, by the same schemas that the API reads JSON by."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from litestar import Response
from litestar.response import Redirect
from pydantic import ValidationError

from sigreq.api.console import mistakes
from sigreq.api.console.desk import Form, Visitor, go
from sigreq.api.doorway import naming_holders
from sigreq.api.problems import invalid_fields
from sigreq.api.schemas import Strict
from sigreq.domain import errors
from sigreq.domain.errors import Problem

Sent = TypeVar("Sent", bound=Strict)
Value = TypeVar("Value")
Show = Callable[[Problem, int], Awaitable[Response[str]]]


def read(kind: type[Sent], said: Mapping[str, object]) -> Sent:
    """The fields of a schema out of a form. Raises FieldInvalid."""
    try:
        return kind.model_validate({name: said[name] for name in kind.model_fields if name in said})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise invalid_fields([mistakes.of_error(each) for each in found]) from error


def one_of(kind: Callable[[str], Value], said: str | None) -> Value | None:
    """What was chosen, if anything. Raises RequestMalformed for what nobody can choose."""
    try:
        return kind(said) if said else None
    except ValueError as error:
        raise errors.RequestMalformed(reason="what was chosen is not one of the choices") from error


def held(form: Form) -> int:
    """The revision that the page showed. Raises RequestMalformed."""
    return revision(form.get("held", ""))


def revision(said: str) -> int:
    """A revision as a form carries it. Raises RequestMalformed."""
    if not said.isascii() or not said.isdigit() or len(said) > 9:  # noqa: PLR2004 - more no column holds
        raise errors.RequestMalformed(reason="the form does not say which revision its page showed")
    return int(said)


async def written(
    visitor: Visitor, write: Callable[[], Awaitable[object]], path: str, show: Show
) -> Response[str] | Redirect:
    """Do what a form asks and go to a page; what is refused is shown with the form as it was filled in.

    Raises WrongRole, NotFound.
    """
    problem = await attempted(visitor, write)
    return go(path) if problem is None else await show(problem, visitor.pages.status(problem))


async def attempted(visitor: Visitor, write: Callable[[], Awaitable[object]]) -> Problem | None:
    """Do what a form asks; what is refused is undone, and told. Raises WrongRole, NotFound."""
    try:
        async with naming_holders(visitor.tx), visitor.tx.attempt():
            await write()
    except (errors.WrongRole, errors.NotFound):
        raise
    except Problem as problem:
        return problem
    return None
