"""What the tables have in common. Rows are built by `store/` only, never taken from or given to a request."""

from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Enum
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
AT: Any = DateTime(timezone=True)


def by_value(enum: type[StrEnum]) -> Any:
    """Store an enum as its value in text, not as its Python name."""
    return Enum(enum, values_callable=lambda members: [m.value for m in members], native_enum=False, length=32)
