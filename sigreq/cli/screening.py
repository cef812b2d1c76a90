"""What screening found: in the files of a case, of a hash, in other cases."""

from collections.abc import Iterator
from typing import Any

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, aligned, moment, submission_table, table

_LIKE = {
    "same_content": "The same content",
    "same_rule": "Hit by the same rule",
    "same_signer": "By the same signer",
    "near_content": "Nearly the same content",
}
_UNITS = {"bytes": "bytes", "fields_bytes": "bytes", "member_bytes": "bytes", "total_bytes": "bytes", "seconds": "s"}


@click.command()
@click.argument("submission_id", metavar="ID")
@api_command
def files(session: Session, submission_id: str) -> None:
    """Show each file that was sent and what it holds: what it is, which rules fired, what was not seen and why."""
    document = session.client.report(submission_id, limit=200)
    page = document
    while page["next_after"] is not None:
        page = session.client.report(submission_id, after=page["next_after"], limit=200)
        document["files"] += page["files"]
    document["next_after"] = None
    told = "".join(f"\nNote: {_remark(each)}" for each in document["remarks"])
    finding = f"Screening: {document['finding'] or 'not finished'}{told}"
    session.show(document, "\n\n".join([finding, *(_file_text(file) for file in document["files"])]))


def _remark(remark: Document) -> str:
    return f"{remark['file']}: {remark['text']}" if remark["file"] else str(remark["text"])


def _file_text(file: Document) -> str:
    inside = "" if file["parent"] is None else f" (in file {file['parent']})"
    lines: list[tuple[str, object]] = [(f"File {file['position']}", f"{file['name']}{inside}")]
    if file["identity"]:
        lines += _identity_lines(file["identity"])
    if file["finding"]:
        lines.append(("Claim", file["finding"]))
    if not file["is_examined"]:
        lines.append(("Examined", "not yet"))
    lines += [("Not examined", f"{each['text']} [{each['code']}]") for each in file["not_seen"]]
    lines += [("Skipped", f"{each['text']} [{each['code']}]") for each in file["skipped"]]
    lines += [(f"Rules of {each['version']}", _scan_text(each)) for each in file["scans"]]
    return aligned(lines)


def _identity_lines(identity: Document) -> Iterator[tuple[str, object]]:
    yield "SHA-256", identity["sha256"]
    yield "Size", f"{identity['size']} bytes"
    if identity["outcome"] == "not_identified":
        yield "Type", f"not_identified: {identity['reason']['text']} [{identity['reason']['code']}]"
    if identity["description"]:
        yield "Type", f"{identity['description']} ({identity['mime']})"
    executable = identity["executable"] or {}
    signer = executable.get("signer")
    if executable:
        yield "Signer", signer.get("subject") if signer else "none"


def _scan_text(scan: Document) -> str:
    found = ", ".join(scan["detections"]) if scan["detections"] else scan["outcome"]
    reason = f" [{scan['reason']}]" if scan["reason"] else ""
    return f"{found}{reason}{', known from before' if scan['is_reused'] else ''}{_where(scan.get('hits') or [])}"


def _where(hits: list[Document]) -> str:
    """A line for each rule, with the first offsets of each string."""
    return "".join(
        f"\n    {hit['rule']}: "
        + (
            "; ".join(f"{each['identifier']} at {', '.join(map(hex, each['offsets']))}" for each in hit["strings"])
            or "-"
        )
        for hit in hits
    )


@click.command()
@click.argument("digest", metavar="HASH")
@api_command
def lookup(session: Session, digest: str) -> None:
    """Show what an MD5, SHA-1, SHA-256, import hash or TLSH digest belongs to, and the submissions it came with."""
    document = session.client.sample(digest)
    session.show(document, "\n\n".join(_sample_text(item) for item in document["items"]))


def _sample_text(item: Document) -> str:
    came = [(each["submission"], f"{each['name']} ({each['state']})") for each in item["submissions"]]
    return aligned([("Organisation", item["organisation"]), *_identity_lines(item), *came])


@click.command()
@api_command
def limits(session: Session) -> None:
    """Show how much may be sent, how far archives are unpacked, and why something may not have been examined."""
    document = session.client.limits()
    figures = [
        (f"{title}, {name}", f"{value} {_UNITS.get(name, '')}".rstrip())
        for title in ("submission", "archives", "scan")
        for name, value in document[title].items()
    ]
    outcomes = table(["REASON", "WHAT IT MEANS"], [*document["outcomes"].items()])
    session.show(document, f"{aligned(figures)}\n\n{outcomes}")


@click.command()
@click.argument("submission_id", metavar="ID")
@api_command
def similar(session: Session, submission_id: str) -> None:
    """Show other cases with the same content, rule or signer, or nearly the same content."""
    document = session.client.similar(submission_id)
    parts = [f"{title}:\n{_cases(document[name])}" for name, title in _LIKE.items() if document[name]]
    session.show(document, "\n\n".join(parts) or "No other case is like this one.")


def _cases(items: list[Document]) -> str:
    headers = ["ID", "ORGANISATION", "STATE", "CONCLUSION", "RECEIVED", "BY"]
    return table(headers, [[*_case(item), _by(item)] for item in items])


def _case(item: Document) -> list[Any]:
    return [item["id"], item["organisation"], item["state"], item["determination"] or "-", moment(item["received_at"])]


def _by(item: Document) -> str:
    if "distance" in item:
        return f"distance {item['distance']}"
    return ", ".join(item.get("rules", [])) or item["sha256"][:16]


@click.command("hit-by")
@click.argument("rule")
@click.option("--all", "is_all", is_flag=True, help="Closed cases too.")
@click.option("--limit", type=click.IntRange(min=1, max=200), default=50, show_default=True)
@api_command
def hit_by(session: Session, rule: str, limit: int, *, is_all: bool) -> None:
    """List open cases on whose files RULE fired, newest first."""
    document = session.client.hit_by(rule, is_open=not is_all, limit=limit)
    session.show(document, submission_table(document["items"]))
