"""Texts that an analyst group answers with."""

from typing import Any

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sigreq.api.doorway import spoken
from sigreq.api.schemas import Line, Name, Strict, Text
from sigreq.domain.people import Actor, Language, Permission, require
from sigreq.review import texts
from sigreq.review.texts import PREFIX, Wording
from sigreq.store import groups
from sigreq.tables.desk import CannedText
from sigreq.transaction import Transaction


class CannedTextIn(Strict):
    """A text under a title, in the language in which customers read it."""

    group: Name = groups.FIRST
    language: Language = Language.ENGLISH
    title: Line
    body: Text

    def wording(self) -> Wording:
        """The same as the rules read it."""
        return Wording(self.group, self.language, self.title, self.body)


@get("/v1/canned-texts", summary="Texts to answer with")
async def list_texts(tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> dict[str, Any]:
    """Of your groups, by group, language and title."""
    require(actor, Permission.SEE_QUEUE)
    return {"items": [_told(row) for row in await texts.seen_by(tx, actor)]}


@post("/v1/canned-texts", summary="Add a text to answer with")
async def add_text(
    data: JSONBody[CannedTextIn], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """To a group in which you work, which has no other of this title and language."""
    require(actor, Permission.KEEP_TEXTS)
    return _told(await texts.add(tx, actor, data.wording()))


@put("/v1/canned-texts/{text_id:str}", summary="Change a text to answer with")
async def change_text(
    text_id: FromPath[str],
    data: JSONBody[CannedTextIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """From now on; what was answered with it stays as it was said."""
    require(actor, Permission.KEEP_TEXTS)
    return _told(await texts.change(tx, actor, spoken(PREFIX, text_id), data.wording()))


@delete("/v1/canned-texts/{text_id:str}", summary="Remove a text to answer with")
async def remove_text(text_id: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]) -> None:
    """What was answered with it stays as it was said."""
    require(actor, Permission.KEEP_TEXTS)
    await texts.remove(tx, actor, spoken(PREFIX, text_id))


def _told(row: CannedText) -> dict[str, Any]:
    own = {"id": row.id, "group": row.group_id, "language": row.language, "title": row.title, "body": row.body}
    return {**own, "changed_by": row.changed_by, "changed_at": row.changed_at.isoformat()}


ROUTES = [list_texts, add_text, change_text, remove_text]
