"""Sources of the clean corpus, and the lists of hashes they may be."""

import csv
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class SourceKind(StrEnum):
    """What a source is."""

    FOLDER = "folder"
    PREFIX = "prefix"
    HASHES = "hashes"


class SourceState(StrEnum):
    """Whether all of it is there."""

    LOADING = "loading"
    COMPLETE = "complete"
    FAILED = "failed"


class HashListUnread(ValueError):
    """It is no list of SHA-256 hashes; the text says what was found and what may be."""


def hashes_of(lines: Iterable[str]) -> Iterator[str]:
    """The SHA-256 hashes of a list, in lower case, as they come.

    One a line, with anything after a space (as `sha256sum` writes them), or CSV with a header that names a column
    `sha256` or `SHA-256`, as the NSRL's newer lists are. Empty lines and those that begin with # are passed over.
    Raises HashListUnread.
    """
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    told = ((number, line) for number, line in numbered if line and not line.startswith("#"))
    first = next(told, None)
    if first is None:
        raise HashListUnread("the list is empty")
    place = _column(first[1])
    if place is None:
        yield _hash(*first, first[1].split()[0])
    for number, line in told:
        yield _hash(number, line, line.split()[0] if place is None else _field(line, place))


def _column(header: str) -> int | None:
    """Which column of a CSV file has the hashes; None when there is no header, and so one a line."""
    if SHA256.match(header.split(maxsplit=1)[0]):
        return None
    names = [name.strip().lower().replace("-", "") for name in next(csv.reader([header]))]
    if "sha256" in names:
        return names.index("sha256")
    raise HashListUnread(
        f"its first line is {header[:80]!r}; needed is a SHA-256 a line, or CSV with a column sha256. "
        "Lists that have only MD5 or SHA-1 cannot be used"
    )


def _field(line: str, place: int) -> str:
    fields = next(csv.reader([line]))
    return fields[place].strip() if place < len(fields) else ""


def _hash(number: int, line: str, word: str) -> str:
    if not SHA256.fullmatch(word):
        raise HashListUnread(f"line {number} has no SHA-256 where it should: {line[:80]!r}")
    return word.lower()
