"""The API's answers as text for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Document = Mapping[str, Any]

_COMMANDS = {
    "awaiting_customer": "sigreq reply {id} MESSAGE",
    "fixed": "sigreq confirm {id}, or sigreq still-happens {id} MESSAGE",
    "closed": "sigreq still-happens {id} MESSAGE, or sigreq dispute {id} MESSAGE",
}
_NOTHING: tuple[object, ...] = (None, "", [], {})
_TITLE_WIDTH = 24
_FOLLOW = "sigreq status {id} --follow"
_FINDINGS = {
    "supported": "the claimed version and the newest show the fault",
    "refuted": "the newest version no longer shows it",
    "not_reproduced": "the claimed version does not show it",
    "undecided": "something could not be examined",
}


def one_line(name: object) -> str:
    """A name on one line: customers choose names, and one with line breaks could pass for lines of ours."""
    return str(name).replace("\n", "\\n").replace("\t", "\\t")


def plain(text: str) -> str:
    """The text without what a terminal would obey: customers choose file names and messages, staff read them."""
    return "".join(
        symbol if symbol.isprintable() or symbol in "\n\t" else symbol.encode("unicode_escape").decode()
        for symbol in text
    )


def moment(stamp: str | None) -> str:
    """A time of the API in this machine's time zone, with its offset; a dash where there is none."""
    return "-" if stamp is None else datetime.fromisoformat(stamp).astimezone().isoformat(" ", "minutes")


def who(document: Document, field: str) -> str:
    """Whoever a field names: what they are called, and the id; a dash where there is nobody."""
    person, name = document[field], document.get(f"{field}_name")
    return "-" if person is None else f"{one_line(name)} ({person})" if name else str(person)


def hours_and_minutes(seconds: float) -> str:
    """A length of time as h:mm, with a minus when it is below zero."""
    hours, minutes = divmod(int(abs(seconds)) // 60, 60)
    return f"{'-' if seconds < 0 else ''}{hours}:{minutes:02}"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their longest cell."""
    lines = [list(headers), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def aligned(lines: Iterable[tuple[str, object]]) -> str:
    """A line for each title and its value, the values below one another unless a title is too long for that."""
    return "\n".join(f"{title + ': ':<{_TITLE_WIDTH}}{value}" for title, value in lines)


def finding_text(finding: str) -> str:
    """What screening says of a claim: the code, and what it means."""
    return f"{finding} ({_FINDINGS[finding]})" if finding in _FINDINGS else finding


def _value(value: object) -> str:
    """Nested JSON as words: what is empty is left out, each member of an outer list has a line."""
    if isinstance(value, list):
        return "".join(f"\n      {_inline(member)}" for member in value) or "none"
    return _inline(value)


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_inline(member)}" for name, member in value.items() if member not in _NOTHING)
    if isinstance(value, list):
        return " ".join(map(_inline, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def submission_text(document: Document) -> str:
    """Where a submission stands."""
    lines = [
        ("Submission", f"{document['id']} (revision {document['revision']})"),
        ("State", document["state"]),
        ("Claim", f"{document['kind']} in {document['product']} {document['database_version']}"),
        ("Database", f"{document['database_verdict']}; the latest is {document['latest_version'] or 'not known'}"),
        ("Severity", f"{document['severity']} ({document['track']} track)"),
        ("Plan", f"{document['plan']}{', a premium incident' if document['is_premium'] else ''}"),
        ("Received", moment(document["received_at"])),
        *_answer(document),
        *_phone(document),
        *([("Screening", finding_text(document["finding"]))] if document.get("finding") else []),
        *_release(document),
        *([("Analyst", who(document, "analyst"))] if document.get("analyst") else []),
        *((title, document[name]) for name, title in _WHERE_KNOWN.items() if document.get(name)),
        *([("Claimed until", moment(document["claim_expires_at"]))] if document.get("claim_expires_at") else []),
        *(("Sample", f"{sample['sha256']}  {one_line(sample['name'])}") for sample in document.get("samples", [])),
    ]
    notices = "".join(f"\nNote: {notice}" for notice in document["notices"])
    return f"{aligned(lines)}{notices}"


def _answer(document: Document) -> list[tuple[str, str]]:
    """When it was answered, or has to be; what ended without an answer needs none any more."""
    if document["answered_at"]:
        return [("Answered", moment(document["answered_at"]))]
    return [] if document["state"] == "closed" else [("Answer due", _due(document))]


def _release(document: Document) -> list[tuple[str, str]]:
    """When the change may be expected, if somebody can say."""
    stamp = document.get("expected_release_at")
    if stamp is None:
        return []
    is_due = datetime.fromisoformat(stamp) <= datetime.now(UTC)
    return [("Release expected", f"any moment, since {moment(stamp)}" if is_due else moment(stamp))]


def _phone(document: Document) -> list[tuple[str, str]]:
    """Whether a call is still required, for those who were given a number or have to call."""
    number = document["phone_number"]
    if document["phone_call_required"]:
        return [("Phone call", f"still required{f': {number}' if number else ''}")]
    return [("Phone call", f"not required; the number is {number}")] if number else []


_WHERE_KNOWN = {
    "determination": "Conclusion",
    "final_verdict": "The file is",
    "resolution": "Ended as",
    "fixed_in": "Fixed in",
    "needs_attention": "Attention",
}


def next_step(document: Document) -> str:
    """What its customer can do now, in the server's words and as a command."""
    command = _COMMANDS.get(document["state"], _FOLLOW)
    return f"What next: {document['next_step']}\n  {command.format(id=document['id'])}"


def _due(document: Document) -> str:
    """Staff see a goal that was not promised, customers do not."""
    if document["answered_at"]:
        return "answered"
    due = document.get("due_at", document["response_due_at"])
    if due is None:
        return "no time is guaranteed"
    goal = "" if document.get("is_guaranteed", True) else ", a goal, not guaranteed"
    return f"{moment(due)} (calendar {document['calendar']}{goal})"


def submission_table(items: Sequence[Document]) -> str:
    """One line for each."""
    names = ("id", "state", "track", "severity", "kind", "product")
    rows = [[*(item[name] for name in names), _due(item)] for item in items]
    return table([*(name.upper() for name in names), "ANSWER DUE"], rows) if items else "Nothing here."


def queue_table(items: Sequence[Document]) -> str:
    """One line for each case that waits, with the time that is left for its answer."""
    names = ("id", "severity", "group", "track", "kind", "product")
    rows = [[*(item[name] for name in names), _time_left(item), _due(item)] for item in items]
    headers = [*(name.upper() for name in names), "TIME LEFT", "ANSWER DUE"]
    return table(headers, rows) if items else "Nothing here."


def _time_left(item: Document) -> str:
    return "answered" if item["answered_at"] else hours_and_minutes(item["seconds_left"])


def goal_lines(goals: Iterable[Document]) -> list[str]:
    """What a plan promises, a line for each severity."""
    return [
        f"  severity {goal['severity']}: answer within {goal['minutes'] / 60:g} h ({goal['calendar']}), "
        f"{'guaranteed' if goal['is_guaranteed'] else 'internal target'}"
        for goal in goals
    ]


def event_text(event: Document) -> str:
    """One line of a timeline, with what was said under it."""
    by = f" by {event['by']}" if event.get("by") else ""
    data = event.get("data") or {}
    notes = "".join(f"\n    {name}: {_value(value)}" for name, value in data.items() if value not in _NOTHING)
    return f"{moment(event['at'])}  {event['name']} ({event['state']}){by}{notes}"
