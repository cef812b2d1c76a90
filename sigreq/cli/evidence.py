"""`sigreq evidence`: what proves a fix to others."""

import json
from pathlib import Path

import click

from sigreq.cli.atomic import write_for_all
from sigreq.cli.kinds import FILE
from sigreq.cli.options import Session, api_command


@click.command()
@click.argument("submission_id", metavar="SUBMISSION")
@click.option("--out", type=FILE, help="Where to write it. [default: SUBMISSION.dsse.json]")
@api_command
def evidence(session: Session, submission_id: str, *, out: Path | None) -> None:
    """Get the signed statement that a published version fixed SUBMISSION. Check it with `sigreq verify`."""
    document = session.client.evidence(submission_id)
    written = out or Path(f"{submission_id}.dsse.json")
    write_for_all(written, json.dumps(document).encode() + b"\n")
    session.show(document, f"{written}: check it with sigreq verify {written} --root ROOT")
