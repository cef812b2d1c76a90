"""Facts that are said in words: what an error is, and what its reason is.

A class is one fact. Its stable `code` is its name in snake case, its docstring is what is said with the fields filled
in, its fields are the data that a program may rely on.
"""

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from inspect import cleandoc
from typing import Any

Reword = Callable[[str, str], str]
"""The text that a field of this name has, as it is to be told: what stands in it may be a stranger's."""


class Worded:
    """What errors and reasons have in common."""

    @property
    def code(self) -> str:
        """The stable name that clients switch on."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def data(self) -> dict[str, Any]:
        """The fields, for programs; a reason is a document of its own, with its code."""
        return {name: each.document if isinstance(each, Reason) else each for name, each in self._fields.items()}

    @property
    def template(self) -> str:
        """The words before the fields are filled in: what a translator reads."""
        return cleandoc(type(self).__doc__ or "").strip().replace("\n", " ")

    def filled(self, said: Callable[[str], str] = str, reword: Reword | None = None) -> str:
        """The whole text. `said` translates templates, its own and those of reasons, `reword` a field that is text."""
        told = {name: _told(name, value, said, reword) for name, value in self._fields.items()}
        return said(self.template).format(**told)

    @property
    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)} if is_dataclass(self) else {}


class Reason(Worded):
    """Why something is refused, to be put into the sentence that refuses it."""

    @property
    def document(self) -> dict[str, Any]:
        """For programs."""
        return {"code": self.code, "text": str(self), **self.data}

    def __str__(self) -> str:
        return self.filled()


def _told(name: str, value: Any, said: Callable[[str], str], reword: Reword | None) -> Any:
    """Times for people; programs find them whole in `data`."""
    if isinstance(value, Reason):
        return value.filled(said, reword)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return reword(name, value) if reword is not None and isinstance(value, str) else value
