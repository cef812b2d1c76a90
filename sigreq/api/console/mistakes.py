"""What can be wrong with a field of a form, by pydantic's name for it, in our words: what it is, and what is allowed.

pydantic's own messages are English only, and are what the API says. Each of these is translated where it is shown.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from sigreq.api.console.words import WORDS, _

Gettext = Callable[[str], str]

MISTAKES: Mapping[str, str] = {
    "missing": _("it is missing; fill it in"),
    "string_too_short": _("it has too few characters; write %(min_length)s or more"),
    "string_too_long": _("it has too many characters; write %(max_length)s or fewer"),
    "string_pattern_mismatch": _("it has another form than is allowed: %(allowed)s"),
    "enum": _("it is none of the choices; choose one that the page offers"),
    "int_parsing": _("it is no whole number; write digits only"),
    "int_parsing_size": _("the number is too large; write one that has fewer digits"),
    "greater_than_equal": _("the number is too small; write %(ge)s or more"),
    "less_than_equal": _("the number is too large; write %(le)s or less"),
    "bool_parsing": _("it is neither yes nor no; choose one of them"),
    "list_type": _("no form holds it; load the page again and send its own form"),
    "url_parsing": _("it is no web address; write one such as https://example.org/hook"),
    "url_scheme": _("the address has a wrong beginning; it must be https:// or http://"),
    "url_too_long": _("the address is too long; write %(max_length)s characters or fewer"),
    "value_error": "%(told)s",
}
"""A rule of ours that spans fields (`value_error`) brings words of its own: `OWN`."""

PATTERNS: Mapping[str, str] = {
    "^[0-9a-f]{64}$": _("SHA-256, 64 lower-case hex digits"),
    "^[A-Za-z_][A-Za-z0-9_]{2,120}$": _("3 to 121 letters, digits and _, a digit not first"),
    "^[a-z0-9][a-z0-9_-]{1,62}$": _("2 to 63 of a-z, 0-9, _ and -"),
}
OWN = frozenset(
    {
        _("detection_name is needed for a false positive: the name the product shows"),
        _("expected_verdict cannot be clean for a false negative: say malware, pua or unknown"),
    }
)

_ENGLISH: Gettext = str


def of_error(error: ErrorDetails) -> dict[str, Any]:
    """One of pydantic's errors, with all that is needed to say it in another language."""
    context = {name: str(each) for name, each in error.get("ctx", {}).items()}
    found = {"field": ".".join(map(str, error["loc"])) or "form", "type": error["type"], "context": context}
    return {**found, "problem": _told({**found, "problem": error["msg"]}, _ENGLISH)}


def summary(problems: Sequence[Mapping[str, Any]], gettext: Gettext) -> str | None:
    """All of them in a language; None where they were not found by a form's schema."""
    if not all("type" in each for each in problems):
        return None
    return "; ".join(f"{_field(each['field'], gettext)}: {_told(each, gettext)}" for each in problems)[:1000]


def _told(problem: Mapping[str, Any], gettext: Gettext) -> str:
    if problem["type"] not in MISTAKES:
        return str(problem["problem"])
    context = problem["context"]
    more = {"allowed": PATTERNS.get(context.get("pattern", ""), ""), "told": context.get("error", "")}
    spoken = {name: gettext(each) if each else "" for name, each in more.items()}
    return gettext(MISTAKES[problem["type"]]) % {**context, **spoken}


def _field(name: str, gettext: Gettext) -> str:
    """What the page calls a field; a name that nobody has named yet is shown as it is."""
    own = name.rpartition(".")[2]
    return next((gettext(WORDS[kind][own]) for kind in ("detail", "written") if own in WORDS[kind]), name)
