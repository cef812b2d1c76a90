"""One of many, as one parameter: an `IN` has one for each, and of those there may not be too many."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, BindParameter, ColumnElement, String, any_, type_coerce
from sqlalchemy.orm import Mapped

_TEXTS: Any = ARRAY(String)


def one_of(
    column: ColumnElement[Any] | Mapped[Any], texts: Collection[str] | BindParameter[Any]
) -> ColumnElement[bool]:
    """Whether a column has one of these values, or one of those that the statement is executed with."""
    array = texts if isinstance(texts, BindParameter) else list(texts)
    return column == any_(type_coerce(array, _TEXTS))
