"""Signing keys, the documents of the bundle repository, the bundles it offers, and signed evidence."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.signing import KeyRole, KeyState
from sigreq.tables.columns import AT, by_value


class SigningKey(SQLModel, table=True):
    """An online key. `private` is PKCS#8, encrypted; none where a device or a service signs, or once it is retired."""

    __tablename__ = "signing_key"

    id: str = Field(primary_key=True)
    role: KeyRole = Field(sa_type=by_value(KeyRole))
    state: KeyState = Field(sa_type=by_value(KeyState))
    public: dict[str, Any] = Field(sa_type=JSONB)
    private: str | None = None
    created_at: datetime = Field(sa_type=AT)
    activated_at: datetime | None = Field(default=None, sa_type=AT)
    retired_at: datetime | None = Field(default=None, sa_type=AT)
    is_compromised: bool = False


class RepositoryDocument(SQLModel, table=True):
    """One version of one document of the repository, as signed; its number is the order in which they go out.

    The content of an old one is dropped once it has gone out, except a root's.
    """

    __tablename__ = "repository_document"
    __table_args__ = (
        UniqueConstraint("role", "version"),
        Index("ix_repository_document_waiting", "number", postgresql_where=text("uploaded_at IS NULL")),
    )

    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    role: str
    version: int
    content: str
    expires_at: datetime = Field(sa_type=AT)
    written_at: datetime = Field(sa_type=AT)
    uploaded_at: datetime | None = Field(default=None, sa_type=AT)


class BundleTarget(SQLModel, table=True):
    """One file that the repository offers as long as its version is not withdrawn, and its extra, if any, not over."""

    __tablename__ = "bundle_target"

    name: str = Field(primary_key=True)
    product_id: str = Field(index=True)
    version: str | None = None
    extra_id: str | None = Field(default=None, foreign_key="extra.id", index=True)
    sha256: str
    size: int = Field(sa_type=BigInteger)
    added_at: datetime = Field(sa_type=AT)


class Evidence(SQLModel, table=True):
    """The signed statement that a version fixed a case."""

    submission_id: str = Field(primary_key=True, foreign_key="submission.id")
    version: str = Field(primary_key=True)
    envelope: dict[str, Any] = Field(sa_type=JSONB)
    signed_at: datetime = Field(sa_type=AT)
