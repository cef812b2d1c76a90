"""What stands in the fields of a problem that a page tells; each is translated where it is shown."""

from collections.abc import Mapping

from sigreq.api.console.words import WORDS, _

REASONS = frozenset(
    {
        _("the two entries differ"),
        _("it must have 12 to 200 characters; a sentence does well"),
        _("it has fewer than 5 different characters"),
        _("it is little more than the sign-in name"),
        _("the form does not say which revision its page showed"),
        _("what was chosen is not one of the choices"),
        _("more cases were chosen than a page shows"),
        _("choose at least one case"),
        _("API keys in use of one person"),
        _("saved views of one person"),
        _("texts of one group"),
        _("the fields of the form must come before its files, each with a name"),
        _("text must not contain the character NUL (U+0000)"),
    }
)
"""Reasons in whole sentences."""

FAULTS: Mapping[str, str] = {
    "archive_encrypted": _("no password opens it"),
    "archive_limit": _("it holds more than we unpack"),
    "archive_broken": _("it is damaged"),
    "archive_unsupported": _("it is an archive that we cannot unpack"),
    "link_skipped": _("it has no content"),
    "not_parsed": _("it is too damaged to be read"),
    "library_missing": _("a library for it is not installed"),
    "timeout": _("it took longer than the time limit"),
    "cpu_limit": _("it took more processor time than the limit"),
    "out_of_memory": _("it needed more memory than the limit"),
    "child_died": _("the process that examined it died"),
    "scan_error": _("a rule failed"),
    "too_many_matches": _("a rule matched too often"),
    "ruleset_invalid": _("the rules do not compile"),
    "no_ruleset": _("the rules are not kept"),
    "sample_missing": _("it is no longer in the store"),
    "sample_corrupt": _("the store gave back something else"),
    "not_examined": _("it was not examined yet"),
}
"""Why something could not be looked at; of each `Fault` one."""

CODED = frozenset(
    {
        "action",
        "allowed",
        "claim",
        "determination",
        "fault",
        "kind",
        "possible",
        "reason",
        "role",
        "state",
        "summary",
        "verdict",
        "what",
    }
)
"""The fields in which these, or names of ours, stand. What is in others comes from people."""

CODES: Mapping[str, str] = {
    **{
        code: said
        for kind in ("role", "event", "change_event", "change_state", "state")
        for code, said in WORDS[kind].items()
    },
    **{
        code: said for kind in ("determination", "verdict", "kind", "change_kind") for code, said in WORDS[kind].items()
    },
    "Submission": _("case"),
    "submission": _("case"),
    "signed evidence of submission": _("signed evidence of the case"),
    "Change": _("change"),
    "change": _("change"),
    "draft a change": _("draft a change"),
    "claim": _("claim"),
    "form": _("form"),
    "file": _("file"),
    "sample": _("file"),
    "text": _("text"),
    "analyst group": _("analyst group"),
    "analyst group of yours": _("analyst group of yours"),
    "API key": _("API key"),
    "delivery": _("delivery"),
    "person": _("person"),
    "product": _("product"),
    **FAULTS,
}
"""Names that English sentences have as the API has them; in other languages they are words."""
