"""What the forms of a page ask for about one case or change, on the ground of the revision that their page showed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Response
from litestar.response import Redirect

from sigreq.api.console.desk import Visitor
from sigreq.api.console.forms import Show, held, read, written
from sigreq.api.doorway import Services
from sigreq.api.schemas import Message, OptionalReason, Reason
from sigreq.domain import errors
from sigreq.domain.errors import Problem


@dataclass(frozen=True)
class Wish:
    """Who asks, and about which case or change; the form says the rest."""

    visitor: Visitor
    about: str
    services: Services

    @property
    def move(self) -> tuple[Any, Any, str, int]:
        """What every use case wants first. Raises RequestMalformed for a form that names no revision."""
        return self.visitor.tx, self.visitor.actor, self.about, held(self.visitor.form)

    @property
    def message(self) -> str:
        """What is said to the other side. Raises FieldInvalid."""
        return read(Message, self.visitor.form).message

    @property
    def reason(self) -> str:
        """Why, for the record. Raises FieldInvalid."""
        return read(Reason, self.visitor.form).reason

    @property
    def reason_if_any(self) -> str | None:
        """The same where it may be left out. Raises FieldInvalid."""
        return read(OptionalReason, self.visitor.form).reason

    @property
    def claim(self) -> timedelta:
        """How long a case stays with whoever writes on it."""
        return self.services.settings.analysis.claim


Act = Callable[[Wish], Awaitable[object]]


async def carry_out(wish: Wish, acts: Mapping[str, Act], name: str, path: str, show: Show) -> Response[str] | Redirect:
    """Do what the form of this name asks and go to a page; what is refused is shown as `forms.written` says.

    Raises NotFound for what no form of ours asks, WrongRole.
    """
    if name not in acts:
        raise errors.NotFound(what="form", id=name[:60])
    return await written(wish.visitor, lambda: acts[name](wish), path, show)


def missed_since(visitor: Visitor, problem: Problem | None) -> int | None:
    """The revision that the page showed, if the case or change has moved since: what is behind it is new to them."""
    return held(visitor.form) if isinstance(problem, errors.RevisionStale) else None
