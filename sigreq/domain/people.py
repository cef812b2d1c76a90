"""Who may do what."""

from dataclasses import dataclass
from enum import StrEnum

from sigreq.domain.errors import WrongRole


class Role(StrEnum):
    """What a key is for. A lead is an analyst who may also approve."""

    CUSTOMER = "customer"
    ANALYST = "analyst"
    LEAD = "lead"
    AUDITOR = "auditor"
    RELEASE = "release"
    ADMINISTRATOR = "administrator"


class Language(StrEnum):
    """In which we write to somebody."""

    ENGLISH = "en"
    RUSSIAN = "ru"


@dataclass(frozen=True)
class Actor:
    """The person behind a request. Only customers belong to an organisation."""

    person_id: str
    name: str
    role: Role
    organisation_id: str | None = None

    @property
    def is_staff(self) -> bool:
        """Whether they see every organisation's cases."""
        return self.role in {Role.ANALYST, Role.LEAD, Role.AUDITOR, Role.ADMINISTRATOR}


class Permission(StrEnum):
    """What can be asked for; who may is in `ALLOWED`."""

    SUBMIT = "submit"
    SEE_SUBMISSIONS = "see submissions"
    SEE_QUEUE = "see the queue"
    DECIDE = "decide"
    SEE_CHANGES = "see changes"
    SEE_GATES = "see gates"
    APPROVE = "approve"
    KEEP_TEXTS = "keep texts to answer with"
    READ_FEED = "read the feed"
    PUBLISH = "publish"
    SEE_EXTRAS = "see extras"
    PUBLISH_EXTRA = "publish an extra"
    END_EXTRA = "end an extra"
    READ_RULES = "read rules"
    READ_BUNDLES = "read bundles"
    SEE_REPORTS = "see reports"
    ADMINISTER = "administer"


_DECIDERS = frozenset({Role.ANALYST, Role.LEAD})
_READERS = _DECIDERS | {Role.AUDITOR, Role.ADMINISTRATOR}
ALLOWED: dict[Permission, frozenset[Role]] = {
    Permission.SUBMIT: frozenset({Role.CUSTOMER}),
    Permission.SEE_SUBMISSIONS: _READERS | {Role.CUSTOMER},
    Permission.SEE_QUEUE: _READERS,
    Permission.DECIDE: _DECIDERS,
    Permission.SEE_CHANGES: _READERS,
    Permission.SEE_GATES: _READERS | {Role.RELEASE},
    Permission.APPROVE: frozenset({Role.LEAD}),
    Permission.KEEP_TEXTS: frozenset({Role.LEAD}),
    Permission.READ_FEED: frozenset({Role.RELEASE, Role.LEAD, Role.AUDITOR, Role.ADMINISTRATOR}),
    Permission.PUBLISH: frozenset({Role.RELEASE, Role.ADMINISTRATOR}),
    Permission.SEE_EXTRAS: frozenset(Role),
    Permission.PUBLISH_EXTRA: frozenset({Role.RELEASE}),
    Permission.END_EXTRA: frozenset({Role.RELEASE, Role.LEAD}),
    Permission.READ_RULES: _READERS | {Role.RELEASE},
    Permission.READ_BUNDLES: _READERS | {Role.RELEASE, Role.CUSTOMER},
    Permission.SEE_REPORTS: frozenset({Role.LEAD, Role.AUDITOR, Role.ADMINISTRATOR}),
    Permission.ADMINISTER: frozenset({Role.ADMINISTRATOR}),
}


def require(actor: Actor, permission: Permission) -> None:
    """Let those through who may. Raises WrongRole for the others."""
    allowed = ALLOWED[permission]
    if actor.role not in allowed:
        raise WrongRole(role=actor.role, allowed=", ".join(sorted(allowed)))
