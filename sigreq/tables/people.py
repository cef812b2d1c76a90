"""Customers, people, and what customers were promised."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from sigreq.domain.people import Language, Role
from sigreq.domain.submission import PremiumStep, Track
from sigreq.tables.columns import AT, by_value


class Calendar(SQLModel, table=True):
    """When somebody works. What its hours are is in its revisions, which never change."""

    id: str = Field(primary_key=True)
    revision: int


class CalendarRevision(SQLModel, table=True):
    """The hours of a calendar at one edit, as `domain/worktime` reads them, and the holidays copied into it."""

    __tablename__ = "calendar_revision"

    calendar_id: str = Field(primary_key=True, foreign_key="calendar.id")
    revision: int = Field(primary_key=True)
    time_zone: str
    hours: str
    region: str | None = None
    holidays: list[str] = Field(sa_type=JSONB)
    extra_workdays: list[str] = Field(sa_type=JSONB)
    exceptions: str = ""
    created_at: datetime = Field(sa_type=AT)


class AnalystGroup(SQLModel, table=True):
    """A dedicated group of analysts, and where its on-call is warned."""

    __tablename__ = "analyst_group"

    id: str = Field(primary_key=True)
    title: str
    on_call_email: str | None = None
    on_call_url: str | None = None
    on_call_secret: str | None = None


class GroupMember(SQLModel, table=True):
    """Who works in which group."""

    __tablename__ = "group_member"

    group_id: str = Field(primary_key=True, foreign_key="analyst_group.id")
    person_id: str = Field(primary_key=True, foreign_key="person.id", index=True)


class Plan(SQLModel, table=True):
    """A service plan as data: track, the response goal of each severity, and what else was promised."""

    id: str = Field(primary_key=True)
    title: str
    track: Track = Field(sa_type=by_value(Track))
    goals: dict[str, Any] = Field(sa_type=JSONB)
    premium_incidents: int | None  # no default: it would take the place of None, which is unlimited
    costs_premium: bool = True
    needs_phone: bool = False
    phone_number: str | None = None
    office: str = Field(foreign_key="calendar.id")
    group_id: str = Field(foreign_key="analyst_group.id")


class Organisation(SQLModel, table=True):
    """A customer. Its plan is its contract's; without one it is the standard plan."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = Field(sa_type=AT)


class Contract(SQLModel, table=True):
    """A Maintenance Service Agreement. Those of one organisation never overlap."""

    __table_args__ = (CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ends_after_start"),)

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    plan_id: str = Field(foreign_key="plan.id")
    starts_at: datetime = Field(sa_type=AT)
    ends_at: datetime | None = Field(default=None, sa_type=AT)


class PremiumEntry(SQLModel, table=True):
    """The ledger of premium incidents, append-only: each submission reserves once, then commits or releases once."""

    __tablename__ = "premium_entry"
    __table_args__ = (Index("ix_premium_entry_year", "contract_id", "year_starts_at"),)

    submission_id: str = Field(primary_key=True, foreign_key="submission.id")
    entry: PremiumStep = Field(primary_key=True, sa_type=by_value(PremiumStep))
    contract_id: str = Field(foreign_key="contract.id")
    year_starts_at: datetime = Field(sa_type=AT)
    at: datetime = Field(sa_type=AT)


class Person(SQLModel, table=True):
    """Somebody, or a machine, that acts. Customers' people have an organisation, staff have none."""

    __table_args__ = (
        CheckConstraint("(role = 'customer') = (organisation_id IS NOT NULL)", name="customer_has_organisation"),
    )

    id: str = Field(primary_key=True)
    name: str
    role: Role = Field(sa_type=by_value(Role))
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    email: str | None = None
    language: Language = Field(default=Language.ENGLISH, sa_type=by_value(Language))


class ApiKey(SQLModel, table=True):
    """Only the hash of a key is kept."""

    __tablename__ = "api_key"

    digest: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    hint: str
    title: str | None = None
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


class SignIn(SQLModel, table=True):
    """How somebody signs in to the pages. Sessions of before `changed_at` are worth nothing."""

    __tablename__ = "sign_in"

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    login: str = Field(unique=True)
    password_hash: str
    changed_at: datetime = Field(sa_type=AT)


class PasswordLink(SQLModel, table=True):
    """A link by which somebody sets their password once. Only the hash of its token is kept."""

    __tablename__ = "password_link"

    digest: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    login: str
    created_at: datetime = Field(sa_type=AT)
    expires_at: datetime = Field(sa_type=AT)
    used_at: datetime | None = Field(default=None, sa_type=AT)
