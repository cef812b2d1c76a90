"""Signature changes and runs of the gate: waiting for one, and showing what it found."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from sigreq.cli.options import Session
from sigreq.cli.output import Document, aligned, who
from sigreq_client import ApiError

POLL_SECONDS = 0.5


def wait_for_gate(session: Session, run_id: str) -> Document:
    """The run once it has ended; how far it is goes to standard error, where somebody sees it."""
    said = None
    while True:
        run: Document = session.client.gate(run_id)
        if run["state"] != "running":
            return run
        told = "planning" if run["total"] is None else f"{run['done']} of {run['total']} parts"
        if told != said:
            click.echo(f"Gate {run_id}: {told}", err=True)
            said = told
        time.sleep(POLL_SECONDS)


def why_no_pass(error: ApiError) -> str:
    """The server's reason, in words, that there is no pass which holds."""
    return str(error.data["why"]["text"])


def gate_text(run: Document) -> str:
    """How far a run is, and its report once it has ended."""
    total = "?" if run["total"] is None else run["total"]
    lines = [
        ("Gate", f"{run['id']} ({run['purpose']} {run['subject']})"),
        ("State", run["state"]),
        ("Parts", f"{run['done']} of {total}"),
    ]
    return aligned([*lines, *report_lines(run["report"] or {})])


def change_text(document: Document) -> str:
    """Where a signature change stands, with what it asks for and how its test went."""
    lines = [
        ("Change", f"{document['id']} rev {document['rev']} (revision {document['revision']})"),
        ("State", document["state"]),
        ("Product", f"{document['product']} ({document['track']} track)"),
        ("Helps", ", ".join(document["submission_ids"])),
        ("Written by", who(document, "written_by")),
        ("Approved by", who(document, "approved_by")),
        ("Gate", document["gate"] or "-"),
        *report_lines(document["report"] or {}),
        ("Published in", document["published_in"] or "-"),
        ("Kind", document["kind"]),
        *((name, value) for name, value in document["payload"].items() if name != "source"),
    ]
    text = aligned(lines)
    return f"{text}\n\n{document['payload']['source']}" if "source" in document["payload"] else text


def report_lines(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a report says, in the order in which it matters."""
    if not report:
        return
    yield "Tested on", report["base"] or "-"
    if report.get("engines"):  # reports of before do not say
        yield "Engines", ", ".join(report["engines"])
    for kind, counts in report["scanned"].items():
        cases = f"{counts['cases']} cases, " if counts["cases"] else ""
        yield f"Scanned, {kind}", f"{cases}{counts['files']} files, {counts['bytes']:,} bytes"
    yield "Took", f"{report['seconds']} s"
    for each in report["problems"]:
        yield "Problem", each["message"]
    if report["problems_left_out"]:
        yield "Problem", f"and {report['problems_left_out']} more"
    for each in report["not_recheckable"]:
        yield "Not re-checkable", f"{each['submission_id']} ({each['why']})"
