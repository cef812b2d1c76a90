"""The clean corpus: files that no signature may ever hit, and where they come from."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from sigreq.domain.corpus import SourceKind, SourceState
from sigreq.tables.columns import AT, by_value


class CorpusSource(SQLModel, table=True):
    """Where clean files come from: somebody's folder, a prefix of the store, or a list of hashes.

    Its files count once it is complete. `fault` says why a prefix could not be read.
    """

    __tablename__ = "corpus_source"

    id: str = Field(primary_key=True)
    kind: SourceKind = Field(sa_type=by_value(SourceKind))
    location: str
    state: SourceState = Field(sa_type=by_value(SourceState))
    added_by: str = Field(foreign_key="person.id")
    added_at: datetime = Field(sa_type=AT)
    completed_at: datetime | None = Field(default=None, sa_type=AT)
    fault: str | None = None


class CorpusFile(SQLModel, table=True):
    """One file of a source. `size` is known of those whose content is in the store."""

    __tablename__ = "corpus_file"
    __table_args__ = (
        Index("ix_corpus_file_sha256", "sha256"),
        Index("ix_corpus_file_content", "sha256", "size", postgresql_where=text("size IS NOT NULL")),
    )

    source_id: str = Field(primary_key=True, foreign_key="corpus_source.id")
    sha256: str = Field(primary_key=True)
    size: int | None = Field(default=None, sa_type=BigInteger)


class CorpusRevision(SQLModel, table=True):
    """What the corpus became at one change of it."""

    __tablename__ = "corpus_revision"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=AT)
    by: str | None = Field(default=None, foreign_key="person.id")
    what: str
    contents: int
    hashes: int
