"""What can be wrong with signing in and with the forms of pages; facts as in `errors.py`."""

from dataclasses import dataclass
from datetime import datetime

from sigreq.domain.errors import Problem


class SignInNeeded(Problem):
    """Sign in first."""


class SignInWrong(Problem):
    """This name and password do not belong together. If you forgot the password, ask your administrator for a link."""


@dataclass(eq=False)
class SignInTooOften(Problem):
    """Too many wrong passwords from here. Try again in {minutes} minutes, or in a browser that was signed in before."""

    minutes: int


@dataclass(eq=False)
class SignInUnsafe(Problem):
    """{host} is reached without encryption, so a password would be readable on its way. Use the https:// address, or
    a browser on the machine itself.
    """

    host: str


class FormForeign(Problem):
    """This form was not sent from a page of ours that is still valid. Open the page again, and send it once more."""


@dataclass(eq=False)
class PasswordUnfit(Problem):
    """This password cannot be taken: {reason}."""

    reason: str


class PasswordLinkUnknown(Problem):
    """There is no such link. Check that it was copied whole, or ask your administrator for a new one."""


@dataclass(eq=False)
class PasswordLinkExpired(Problem):
    """This link was valid until {expired_at}. Ask your administrator for a new one."""

    expired_at: datetime


@dataclass(eq=False)
class PasswordLinkUsed(Problem):
    """This link was used at {used_at}. If that was not you, tell your administrator now; else sign in."""

    used_at: datetime
