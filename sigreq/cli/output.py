"""The API's answers as text for people."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Document = Mapping[str, Any]

NEXT_STEPS = {
    "received": "It is being screened. Follow it: sigreq status {id} --follow",
    "screening": "It is being screened. Follow it: sigreq status {id} --follow",
    "queued": "An analyst will take it. Follow it: sigreq status {id} --follow",
    "in_analysis": "An analyst is at it. To add something: sigreq reply {id} MESSAGE",
    "awaiting_customer": "The analyst has asked you something. Answer: sigreq reply {id} MESSAGE",
    "determined": "It is decided; a change to the database is under way. Follow it: sigreq status {id} --follow",
    "fixed": (
        "Update to database {fixed_in} and look again. Then: sigreq confirm {id}, or sigreq still-happens {id} MESSAGE"
    ),
    "closed": "It is closed. If you do not agree: sigreq dispute {id} MESSAGE",
}


def plain(text: str) -> str:
    """The text without what a terminal would obey: customers choose file names and messages, staff read them."""
    return "".join(
        symbol if symbol.isprintable() or symbol in "\n\t" else symbol.encode("unicode_escape").decode()
        for symbol in text
    )


def moment(stamp: str | None) -> str:
    """A time of the API in this machine's time zone; a dash where there is none."""
    return "-" if stamp is None else f"{datetime.fromisoformat(stamp).astimezone():%Y-%m-%d %H:%M %Z}"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their longest cell."""
    lines = [list(headers), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def problem_lines(document: Document) -> Iterator[str]:
    """The server's message, then each field it does not accept."""
    yield f"{document['detail']} [{document['code']}]"
    for problem in document.get("problems", []):
        yield "  " + ": ".join(str(value) for value in problem.values())


def submission_text(document: Document) -> str:
    """Where a submission stands."""
    due = f"{moment(document['due_at'])} ({'guaranteed' if document['is_guaranteed'] else 'our aim, not guaranteed'})"
    lines = [
        ("Submission", f"{document['id']} (revision {document['revision']})"),
        ("State", document["state"]),
        ("Claim", f"{document['kind']} in {document['product']} {document['database_version']}"),
        ("Database", f"{document['database_verdict']}; the latest is {document['latest_version'] or 'not known'}"),
        ("Severity", f"{document['severity']} ({document['track']} track)"),
        ("Received", moment(document["received_at"])),
        ("Answer due", due),
        *((title, document[name]) for name, title in _WHERE_KNOWN.items() if document.get(name)),
        *(("Sample", f"{sample['sha256']}  {sample['name']}") for sample in document.get("samples", [])),
    ]
    return "\n".join(f"{title + ':':<14}{value}" for title, value in lines)


_WHERE_KNOWN = {
    "analyst": "Analyst",
    "claim_expires_at": "Claimed until",
    "determination": "Conclusion",
    "final_verdict": "The file is",
    "resolution": "Ended as",
    "fixed_in": "Fixed in",
    "needs_attention": "Attention",
}


def next_step(document: Document) -> str:
    """What its customer can do now."""
    return NEXT_STEPS[document["state"]].format(id=document["id"], fixed_in=document.get("fixed_in") or "(unknown)")


def submission_table(items: Sequence[Document]) -> str:
    """One line for each."""
    names = ("id", "state", "track", "severity", "kind", "product")
    rows = [[*(item[name] for name in names), moment(item["due_at"])] for item in items]
    return table([*(name.upper() for name in names), "ANSWER DUE"], rows) if items else "Nothing here."


def event_text(event: Document) -> str:
    """One line of a timeline, with what was said under it."""
    by = f" by {event['by']}" if event.get("by") else ""
    data = event.get("data") or {}
    notes = "".join(f"\n    {name}: {value}" for name, value in data.items() if value not in (None, "", [], {}))
    return f"{moment(event['at'])}  {event['name']} ({event['state']}){by}{notes}"


def change_text(document: Document) -> str:
    """Where a signature change stands, with what it asks for and how its test went."""
    lines = [
        ("Change", f"{document['id']} rev {document['rev']} (revision {document['revision']})"),
        ("State", document["state"]),
        ("Product", f"{document['product']} ({document['track']} track)"),
        ("Helps", ", ".join(document["submission_ids"])),
        ("Written by", document["written_by"]),
        ("Approved by", document["approved_by"] or "-"),
        ("Tested on", document["tested_against"] or "-"),
        ("Published in", document["published_in"] or "-"),
        *((name, value) for name, value in (document["report"] or {}).items()),
        ("Kind", document["kind"]),
        *((name, value) for name, value in document["payload"].items() if name != "source"),
    ]
    text = "\n".join(f"{title + ':':<14}{value}" for title, value in lines)
    return f"{text}\n\n{document['payload']['source']}" if "source" in document["payload"] else text
