"""Texts that an analyst group answers with: its leads keep them, its analysts put them into what they write."""

from collections.abc import Sequence
from dataclasses import dataclass

from sigreq.domain.errors import NotFound
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.people import Actor, Language
from sigreq.store import groups, texts
from sigreq.tables.desk import CannedText
from sigreq.transaction import Transaction

PREFIX = "CT"


@dataclass(frozen=True)
class Wording:
    """What a text is: for which group, in which language, under which title."""

    group_id: str
    language: Language
    title: str
    body: str


async def seen_by(tx: Transaction, actor: Actor) -> Sequence[CannedText]:
    """The texts of the actor's groups; all of them for those who work in none."""
    return await texts.listed(tx, await groups.of(tx, actor))


async def to_choose(tx: Transaction, actor: Actor, group_id: str) -> list[texts.Title]:
    """The texts of a group; none for those who work in others."""
    mine = await groups.of(tx, actor)
    return await texts.titles(tx, group_id) if mine is None or group_id in mine else []


async def get(tx: Transaction, actor: Actor, text_id: str) -> CannedText:
    """One of those. Raises NotFound."""
    return await texts.get(tx, text_id, await groups.of(tx, actor))


async def add(tx: Transaction, actor: Actor, wording: Wording) -> CannedText:
    """Add a text to a group in which the lead works. Raises NotFound for another group, AlreadyExists."""
    return await _put(tx, actor, new_identifier(PREFIX), wording)


async def change(tx: Transaction, actor: Actor, text_id: str, wording: Wording) -> CannedText:
    """Give a text other words. Raises NotFound, AlreadyExists."""
    return await _put(tx, actor, (await get(tx, actor, text_id)).id, wording)


async def remove(tx: Transaction, actor: Actor, text_id: str) -> None:
    """Take a text away; what was answered with it stays as it was said. Raises NotFound."""
    await texts.remove(tx, (await get(tx, actor, text_id)).id)


async def _put(tx: Transaction, actor: Actor, text_id: str, wording: Wording) -> CannedText:
    mine = await groups.of(tx, actor)
    if mine is not None and wording.group_id not in mine:
        raise NotFound(what="analyst group of yours", id=wording.group_id)
    row = CannedText(
        id=text_id,
        group_id=wording.group_id,
        language=wording.language,
        title=wording.title,
        body=wording.body,
        changed_by=actor.person_id,
        changed_at=tx.at,
    )
    return await texts.put(tx, row)
