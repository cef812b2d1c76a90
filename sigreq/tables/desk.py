"""What analysts keep at their desk: texts to answer with, and views of the queue."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from sigreq.domain.people import Language
from sigreq.tables.columns import AT, by_value


class CannedText(SQLModel, table=True):
    """Words that an analyst group answers with again and again. Its leads keep them."""

    __tablename__ = "canned_text"
    __table_args__ = (UniqueConstraint("group_id", "language", "title"),)

    id: str = Field(primary_key=True)
    group_id: str = Field(foreign_key="analyst_group.id")
    language: Language = Field(sa_type=by_value(Language))
    title: str
    body: str
    changed_by: str = Field(foreign_key="person.id")
    changed_at: datetime = Field(sa_type=AT)


class SavedView(SQLModel, table=True):
    """Filters of the queue under a name, for one person. `query` is what stands in the page's address."""

    __tablename__ = "saved_view"

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    name: str = Field(primary_key=True)
    query: str
    saved_at: datetime = Field(sa_type=AT)
