"""Database versions: how each product writes them, and how they order. Whether one is the latest: `register`."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

VersionKey = tuple[int, ...]
"""Orders and equates the versions of one scheme; meaningless between two schemes."""

LONGEST_VERSION = 200
"""Characters. No product shows anything near it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# [0-9] and not \d, which also takes the digits of other scripts. Eighteen digits fit into 64 bits.
_NUMBER = "[0-9]{1,18}"
_DOTTED = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{1,7}}")
_CLAMAV_NUMBER = re.compile(_NUMBER)
_CLAMAV_ENGINE = re.compile(r"ClamAV [^/\s]+", re.IGNORECASE)
_CLAMAV_LINE = re.compile(
    rf"ClamAV [^/\s]+/({_NUMBER})/[a-z]{{3}} +([a-z]{{3}}) +([0-9]{{1,2}}) +"
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) +([0-9]{4})",
    re.IGNORECASE | re.ASCII,
)
_ESET_NUMBERED = re.compile(rf"({_NUMBER})(?:\s*\(([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})\))?")
_COMPACT_REVISION = re.compile(rf"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})\.({_NUMBER})")
_SPELT_REVISION = re.compile(rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})\s+rev\.?\s*({_NUMBER})", re.IGNORECASE)
_INTEGER = re.compile(rf"({_NUMBER})(?:\.0{{1,18}})?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)


class Scheme(StrEnum):
    """How a product writes its database versions."""

    CLAMAV = "clamav"
    DOTTED = "dotted"
    ESET = "eset"
    DATE_REVISION = "date_revision"
    INTEGER = "integer"
    TIMESTAMP = "timestamp"


class VersionUnparseable(ValueError):
    """The text is not a version of this scheme; the message says which form is expected."""


class NoDatabase(ValueError):
    """The text names an engine that has no signature database installed."""


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        message = "the form is another"
        raise ValueError(message)
    return found


def _dotted(text: str) -> VersionKey:
    """Trailing zero parts say nothing: 1.2 is 1.2.0, as in the products' own comparisons."""
    parts = [int(part) for part in _match(_DOTTED, text).group().split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _clamav(text: str) -> VersionKey:
    """Only the database number counts; the engine before it and the build time behind it do not."""
    if _CLAMAV_NUMBER.fullmatch(text):
        return (int(text),)
    if _CLAMAV_ENGINE.fullmatch(text):
        message = f"{text!r} names an engine without a signature database. Expected {expected_form(Scheme.CLAMAV)}."
        raise NoDatabase(message)
    number, month, day, hour, minute, second, year = _match(_CLAMAV_LINE, text).groups()
    # By hand, because strptime reads month names in the process's locale. A made-up date raises ValueError.
    month_number = _MONTHS.index(month.title()) + 1
    datetime(int(year), month_number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    return (int(number),)


def _eset(text: str) -> VersionKey:
    """The dotted numbers that came in 2026 are a later epoch than every plain number."""
    if _DOTTED.fullmatch(text):
        return (1, *_dotted(text))
    number, *released = _match(_ESET_NUMBERED, text).groups()
    if released[0] is not None:
        date(*map(int, released))
    return (0, int(number))


def _date_revision(text: str) -> VersionKey:
    found = _COMPACT_REVISION.fullmatch(text) or _match(_SPELT_REVISION, text)
    year, month, day, revision = map(int, found.groups())
    return (date(year, month, day).toordinal(), revision)


def _integer(text: str) -> VersionKey:
    return (int(_match(_INTEGER, text)[1]),)


def _timestamp(text: str) -> VersionKey:
    """Seconds since 1970: the same moment under another offset is the same version."""
    moment = datetime.fromisoformat(_match(_TIMESTAMP, text).group().upper())
    return ((moment - _EPOCH) // timedelta(seconds=1),)


_READERS: dict[Scheme, Callable[[str], VersionKey]] = {
    Scheme.CLAMAV: _clamav,
    Scheme.DOTTED: _dotted,
    Scheme.ESET: _eset,
    Scheme.DATE_REVISION: _date_revision,
    Scheme.INTEGER: _integer,
    Scheme.TIMESTAMP: _timestamp,
}

_FORMS = {
    Scheme.CLAMAV: "the database number or the whole version line, for example 27500 or "
    "ClamAV 1.4.6/27500/Sat Aug 24 08:31:00 2024",
    Scheme.DOTTED: "numbers separated by dots, for example 1.413.102.0",
    Scheme.ESET: "number (YYYYMMDD) or numbers separated by dots, for example 31986 (20251007) or 18.2.18.0",
    Scheme.DATE_REVISION: "YYYYMMDD.revision, for example 20231110.016",
    Scheme.INTEGER: "a whole number, for example 5958 or 5958.0000",
    Scheme.TIMESTAMP: "the release time with its offset from UTC, for example 2026-11-21T10:32:00Z",
}


def expected_form(scheme: Scheme) -> str:
    """What to tell a person who has to type a version."""
    return _FORMS[scheme]


def parse(scheme: Scheme, text: str) -> VersionKey:
    """Give equal keys to all spellings of one version, and greater keys to later versions.

    Raises VersionUnparseable, or NoDatabase when an engine without signatures is named.
    """
    if len(text) > LONGEST_VERSION:
        message = f"A database version has at most {LONGEST_VERSION} characters. Expected {expected_form(scheme)}."
        raise VersionUnparseable(message)
    try:
        return _READERS[scheme](text.strip())
    except NoDatabase:
        raise
    except ValueError as error:  # the form is wrong, or a date or time in it does not exist
        message = f"{text!r} is not a database version of this product. Expected {expected_form(scheme)}."
        raise VersionUnparseable(message) from error
