"""What screening found: in the files of a case, of a hash, in other cases."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, aligned, finding_text, moment, one_line, submission_table, table

_LIKE = {
    "same_content": "The same content",
    "same_rule": "Hit by the same rule",
    "same_signer": "By the same signer",
    "near_content": "Nearly the same content",
}
_PURPOSES = ("claimed", "newest", "first_fixed", "proof", "gate")
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_PAGE = 200
_SECTIONS = 10


@click.command()
@click.argument("submission_id", metavar="ID")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@api_command
def files(session: Session, submission_id: str, limit: int) -> None:
    """Show files that were sent, then what they hold: what each is, which rules fired, what was not seen and why."""
    document = _report(session, submission_id, limit)
    told = "".join(f"\nNote: {_remark(each)}" for each in document["remarks"])
    finding = finding_text(document["finding"]) if document["finding"] else "not finished"
    parts = [f"Screening: {finding}{told}", *(_file_text(file) for file in document["files"])]
    if document["next_after"] is not None:
        parts.append(f"... and more files; --limit {max(1000, 10 * limit)} shows more")
    session.show(document, "\n\n".join(parts))


def _report(session: Session, submission_id: str, limit: int) -> Document:
    """The report's first files, from as few pages as they need; `next_after` is that of the last page."""
    document = page = session.client.report(submission_id, limit=min(limit, _PAGE))
    found = document["files"]
    while page["next_after"] is not None and len(found) < limit:
        size = min(limit - len(found), _PAGE)
        page = session.client.report(submission_id, after=page["next_after"], limit=size)
        found += page["files"]
    return {**document, "next_after": page["next_after"]}


def _remark(remark: Document) -> str:
    return f"{remark['file']}: {remark['text']}" if remark["file"] else str(remark["text"])


def _file_text(file: Document) -> str:
    inside = "" if file["parent"] is None else f" (in file {file['parent']})"
    lines: list[tuple[str, object]] = [(f"File {file['position']}", f"{one_line(file['name'])}{inside}")]
    if file["identity"]:
        lines += _identity_lines(file["identity"])
    if file["finding"]:
        lines.append(("Claim", finding_text(file["finding"])))
    if not file["is_examined"]:
        lines.append(("Examined", "not yet"))
    lines += [("Not examined", f"{each['text']} [{each['code']}]") for each in file["not_seen"]]
    lines += [("Skipped", f"{each['text']} [{each['code']}]") for each in file["skipped"]]
    lines += [
        (f"Scan, {each['purpose']} {each['version']}", _scan_text(each)) for each in sorted(file["scans"], key=_turn)
    ]
    return aligned(lines)


def _identity_lines(identity: Document) -> Iterator[tuple[str, object]]:
    yield "SHA-256", identity["sha256"]
    yield "SHA-1", identity["sha1"]
    yield "MD5", identity["md5"]
    if identity["tlsh"]:
        yield "TLSH", identity["tlsh"]
    yield "Size", f"{identity['size']} bytes"
    if identity["outcome"] == "not_identified":
        yield "Type", f"not_identified: {identity['reason']['text']} [{identity['reason']['code']}]"
    if identity["description"]:
        yield "Type", f"{identity['description']} ({identity['mime']})"
    if identity["executable"]:
        yield from _program_lines(identity["executable"])


def _program_lines(executable: Document) -> Iterator[tuple[str, object]]:
    if "note" in executable:
        yield "Program", f"{executable['format']}, not read: {executable['note']}"
        return
    if executable["import_hash"]:
        yield "Import hash", executable["import_hash"]
    yield "Signer", _signer_text(executable["signer"]) if executable["signer"] else "none"
    sections = executable["sections"]
    for section in sections[:_SECTIONS]:
        yield "Section", f"{one_line(section['name'] or '-')} {section['size']} {section['entropy']}"
    if len(sections) > _SECTIONS:
        yield "Section", f"and {len(sections) - _SECTIONS} more"


def _signer_text(signer: Document) -> str:
    """Who signed, and what was checked of it: never who issued the certificate, and nothing at all of a Mach-O file."""
    if "identifier" in signer:
        team = f", team {signer['team']}" if signer["team"] else ""
        return f"{signer['identifier']}{team}, signature and chain not checked"
    name = signer["subject"] or f"certificate {signer['serial']} of {signer['issuer']}"
    return f"{name}, {_CHECKED[signer['is_intact']]}"


_CHECKED = {
    True: "intact, chain not checked",
    False: "not intact, chain not checked",
    None: "signature and chain not checked",
}


def _turn(scan: Document) -> tuple[int, datetime]:
    purpose = scan["purpose"]
    place = _PURPOSES.index(purpose) if purpose in _PURPOSES else len(_PURPOSES)
    return place, datetime.fromisoformat(scan["at"])


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
    came = [(each["submission"], f"{one_line(each['name'])} ({each['state']})") for each in item["submissions"]]
    return aligned([("Organisation", item["organisation"]), *_identity_lines(item), *came])


@click.command()
@api_command
def limits(session: Session) -> None:
    """Show how much may be sent, how far archives are unpacked, and why something may not have been examined."""
    document = session.client.limits()
    blocks = [
        f"{title}\n{aligned((f'  {name}', _figure(name, value)) for name, value in document[block].items())}"
        for block, title in _BLOCKS.items()
    ]
    outcomes = table(["REASON", "WHAT IT MEANS"], [*document["outcomes"].items()])
    session.show(document, "\n\n".join([*blocks, outcomes]))


_BLOCKS = {
    "submission": "What may be sent in a submission",
    "archives": "How far one sent file is unpacked",
    "scan": "How long one scan may take",
}


def _figure(name: str, value: float) -> str:
    if name.endswith("bytes"):
        factor, unit = next((each for each in _UNITS if value >= each[0]), (1, "bytes"))
        return f"{round(value / factor, 2):g} {unit}"
    return f"{value:g} s" if name == "seconds" else f"{value:,}"


@click.command()
@click.argument("submission_id", metavar="ID")
@api_command
def similar(session: Session, submission_id: str) -> None:
    """Show other cases with the same content, rule or signer, or nearly the same content."""
    document = session.client.similar(submission_id)
    parts = [f"{title}:\n{_cases(document[name])}" for name, title in _LIKE.items() if document[name]]
    session.show(document, "\n\n".join(parts) or _nothing_like(submission_id))


def _nothing_like(submission_id: str) -> str:
    return f"No other case has the content, a rule or the signer of {submission_id}, or nearly the same content."


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
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@api_command
def hit_by(session: Session, rule: str, limit: int, *, is_all: bool) -> None:
    """List open cases on whose files RULE fired, newest first."""
    document = session.client.hit_by(rule, is_open=not is_all, limit=limit)
    nothing = f"No {'' if is_all else 'open '}case was hit by {rule}."
    session.show(document, submission_table(document["items"]) if document["items"] else nothing)
