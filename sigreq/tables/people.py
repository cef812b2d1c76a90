"""Customers, people, and what customers were promised."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.people import Role
from sigreq.domain.submission import Track
from sigreq.tables.columns import AT, by_value


class Calendar(SQLModel, table=True):
    """When somebody works: hours as `domain/worktime.parse_hours` reads them."""

    id: str = Field(primary_key=True)
    time_zone: str
    hours: str


class Plan(SQLModel, table=True):
    """A service plan as data: track, and the response goal of each severity."""

    id: str = Field(primary_key=True)
    title: str
    track: Track = Field(sa_type=by_value(Track))
    goals: dict[str, Any] = Field(sa_type=JSONB)


class Organisation(SQLModel, table=True):
    """A customer."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    plan_id: str = Field(foreign_key="plan.id")
    created_at: datetime = Field(sa_type=AT)


class Person(SQLModel, table=True):
    """Somebody, or a machine, that acts. Customers' people have an organisation, staff have none."""

    __table_args__ = (
        CheckConstraint("(role = 'customer') = (organisation_id IS NOT NULL)", name="customer_has_organisation"),
    )

    id: str = Field(primary_key=True)
    name: str
    role: Role = Field(sa_type=by_value(Role))
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")


class ApiKey(SQLModel, table=True):
    """Only the hash of a key is kept."""

    __tablename__ = "api_key"

    digest: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    hint: str
    created_at: datetime = Field(sa_type=AT)
    revoked_at: datetime | None = Field(default=None, sa_type=AT)


class WebhookEndpoint(SQLModel, table=True):
    """Where an organisation is told. The secret signs, so it is kept readable."""

    __tablename__ = "webhook_endpoint"

    organisation_id: str = Field(primary_key=True, foreign_key="organisation.id")
    url: str
    secret: str
    created_at: datetime = Field(sa_type=AT)
    disabled_at: datetime | None = Field(default=None, sa_type=AT)
