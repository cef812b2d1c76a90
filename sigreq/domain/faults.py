"""Why something could not be looked at: stable words, each with what it means."""

from collections.abc import Iterable
from enum import StrEnum


class Fault(StrEnum):
    """What kept us from examining a file, or a part of it."""

    ARCHIVE_ENCRYPTED = "archive_encrypted"
    ARCHIVE_LIMIT = "archive_limit"
    ARCHIVE_BROKEN = "archive_broken"
    ARCHIVE_UNSUPPORTED = "archive_unsupported"
    LINK_SKIPPED = "link_skipped"
    NOT_PARSED = "not_parsed"
    LIBRARY_MISSING = "library_missing"
    TIMEOUT = "timeout"
    CPU_LIMIT = "cpu_limit"
    OUT_OF_MEMORY = "out_of_memory"
    CHILD_DIED = "child_died"
    SCAN_ERROR = "scan_error"
    TOO_MANY_MATCHES = "too_many_matches"
    RULESET_INVALID = "ruleset_invalid"
    NO_RULESET = "no_ruleset"
    SAMPLE_MISSING = "sample_missing"
    SAMPLE_CORRUPT = "sample_corrupt"
    NOT_EXAMINED = "not_examined"


MEANINGS: dict[Fault, str] = {
    Fault.ARCHIVE_ENCRYPTED: "no password we know opens it: send the file once more, with its password",
    Fault.ARCHIVE_LIMIT: "it holds more than we unpack (see the limits); what came before the limit is examined",
    Fault.ARCHIVE_BROKEN: "it is damaged, or says something else of itself than it holds",
    Fault.ARCHIVE_UNSUPPORTED: "it is an archive of a kind that we cannot unpack",
    Fault.LINK_SKIPPED: "a link, a device or another entry without content: there is nothing to examine",
    Fault.NOT_PARSED: "it calls itself a program, but is too damaged to be read as one",
    Fault.LIBRARY_MISSING: "a system library that is needed for it is not installed here",
    Fault.TIMEOUT: "it took longer than the time limit",
    Fault.CPU_LIMIT: "it took more processor time than the limit",
    Fault.OUT_OF_MEMORY: "it needed more memory than the limit",
    Fault.CHILD_DIED: "the process that examined it died of it, twice",
    Fault.SCAN_ERROR: "a rule failed while it was scanned",
    Fault.TOO_MANY_MATCHES: "a rule matched it more often than can be counted",
    Fault.RULESET_INVALID: "the rules of that version do not compile",
    Fault.NO_RULESET: "the rules of that version are not kept",
    Fault.SAMPLE_MISSING: "it is no longer in the store",
    Fault.SAMPLE_CORRUPT: "what the store gave back is not what was sent",
    Fault.NOT_EXAMINED: "it has not been examined yet",
}

# Another attempt, perhaps with another password or on another day, may go better.
_PASSING = frozenset(
    {
        Fault.ARCHIVE_ENCRYPTED,
        Fault.LIBRARY_MISSING,
        Fault.TIMEOUT,
        Fault.CPU_LIMIT,
        Fault.OUT_OF_MEMORY,
        Fault.CHILD_DIED,
        Fault.SAMPLE_MISSING,
        Fault.SAMPLE_CORRUPT,
        Fault.NOT_EXAMINED,
    }
)


def blocking(faults: Iterable[Fault]) -> list[Fault]:
    """Those that forbid the word clean: something in the file was not seen. Each once, in their order."""
    return [fault for fault in dict.fromkeys(faults) if fault is not Fault.LINK_SKIPPED]


def is_final(faults: Iterable[Fault]) -> bool:
    """Whether looking again would find nothing else."""
    return _PASSING.isdisjoint(faults)
