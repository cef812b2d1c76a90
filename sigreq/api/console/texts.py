"""Texts to answer with: everybody who reads the queue sees them, leads keep them."""

from collections.abc import Awaitable, Callable

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from sigreq.api.console.desk import Form, Visitor
from sigreq.api.console.forms import read, written
from sigreq.api.doorway import spoken
from sigreq.api.texts import CannedTextIn
from sigreq.domain.errors import Problem
from sigreq.domain.people import ALLOWED, Permission
from sigreq.review import texts
from sigreq.store import groups
from sigreq.tables.desk import CannedText


@get("/texts")
async def show_texts(visitor: NamedDependency[Visitor]) -> Response[str]:
    """The texts of one's groups, and for leads the forms that change them."""
    visitor.may(Permission.SEE_QUEUE)
    return await _page(visitor)


@post("/texts")
async def add_text(visitor: NamedDependency[Visitor]) -> Response[str] | Redirect:
    """Add one."""
    visitor.may(Permission.KEEP_TEXTS)

    async def write() -> object:
        return await texts.add(visitor.tx, visitor.actor, read(CannedTextIn, visitor.form).wording())

    return await _written(visitor, write, "new")


@post("/texts/{text_id:str}/change")
async def change_text(visitor: NamedDependency[Visitor], text_id: FromPath[str]) -> Response[str] | Redirect:
    """Give one other words."""
    visitor.may(Permission.KEEP_TEXTS)
    found = spoken(texts.PREFIX, text_id)

    async def write() -> object:
        return await texts.change(visitor.tx, visitor.actor, found, read(CannedTextIn, visitor.form).wording())

    return await _written(visitor, write, found)


@post("/texts/{text_id:str}/remove")
async def remove_text(visitor: NamedDependency[Visitor], text_id: FromPath[str]) -> Response[str] | Redirect:
    """Take one away."""
    visitor.may(Permission.KEEP_TEXTS)
    found = spoken(texts.PREFIX, text_id)

    async def write() -> None:
        await texts.remove(visitor.tx, visitor.actor, found)

    return await _written(visitor, write, found)


async def _written(visitor: Visitor, write: Callable[[], Awaitable[object]], form: str) -> Response[str] | Redirect:
    async def show(problem: Problem, status: int) -> Response[str]:
        return await _page(visitor, problem, form, status)

    return await written(visitor, write, "/texts", show)


async def _page(
    visitor: Visitor, problem: Problem | None = None, form: str | None = None, status_code: int = 200
) -> Response[str]:
    """`form` is which of the page's forms was refused: it keeps what was written in it."""
    mine = await groups.of(visitor.tx, visitor.actor)
    return visitor.page(
        "texts.html",
        status_code=status_code,
        texts=[
            (row, visitor.form if form == row.id else _said(row))
            for row in await texts.seen_by(visitor.tx, visitor.actor)
        ],
        new=visitor.form if form == "new" else {"language": visitor.person.language},
        groups=sorted(mine or ()),
        may_keep=visitor.actor.role in ALLOWED[Permission.KEEP_TEXTS],
        problem=problem,
        form=form,
    )


def _said(row: CannedText) -> Form:
    return {"title": row.title, "group": row.group_id, "language": row.language, "body": row.body}


ROUTES = [show_texts, add_text, change_text, remove_text]
