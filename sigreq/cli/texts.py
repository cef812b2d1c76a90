"""Texts that analysts answer with."""

from collections.abc import Callable

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, one_line, table
from sigreq.domain.people import Language


@click.group()
def texts() -> None:
    """Texts to answer with: everybody reads those of their groups, leads keep them."""


@texts.command("list")
@api_command
def list_texts(session: Session) -> None:
    """List the texts of your groups."""
    document = session.client.canned_texts()
    rows = [[each["id"], each["group"], each["language"], one_line(each["title"])] for each in document["items"]]
    session.show(document, table(["ID", "GROUP", "LANGUAGE", "TITLE"], rows) if rows else "There is none.")


def _wording(command: Callable[..., None]) -> Callable[..., None]:
    languages = click.Choice([each.value for each in Language])
    command = click.option("--language", type=languages, default=Language.ENGLISH.value, show_default=True)(command)
    command = click.option("--group", help="An analyst group in which you work. [default: the first one]")(command)
    return click.argument("title")(click.argument("body")(command))


@texts.command()
@_wording
@api_command
def add(session: Session, title: str, body: str, language: str, group: str | None) -> None:
    """Add a text under a TITLE."""
    document = session.client.add_canned_text(title, body, language, group)
    session.show(document, _text(document))


@texts.command()
@click.argument("text_id", metavar="ID")
@_wording
@api_command
def change(session: Session, text_id: str, title: str, body: str, language: str, group: str | None) -> None:
    """Give a text another TITLE and BODY; all of it is replaced."""
    document = session.client.change_canned_text(text_id, title, body, language, group)
    session.show(document, _text(document))


@texts.command()
@click.argument("text_id", metavar="ID")
@api_command
def remove(session: Session, text_id: str) -> None:
    """Take a text away; what was answered with it stays as it was said."""
    session.client.remove_canned_text(text_id)
    session.show({"id": text_id}, f"{text_id} is removed.")


def _text(document: Document) -> str:
    return f"{document['id']}  {document['title']} ({document['language']}, {document['group']})\n\n{document['body']}"
