"""An analyst's work on submissions; that on signature changes is in `changes`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sigreq.cli import changes, phone, relief, screening, texts, together
from sigreq.cli.atomic import draft_of_output
from sigreq.cli.gates import change_text
from sigreq.cli.kinds import FILE
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, event_text, submission_text
from sigreq.cli.revisions import decided, revision_option
from sigreq.domain.verdict import Determination, Verdict


@click.group()
def decide() -> None:
    """Work on submissions and signature changes.

    Each write names the revision it was decided on: the one of --revision, else the newest, which is read once more
    when it has moved meanwhile. With --revision it is refused when the thing has changed since you looked at it.
    """


def _decide(
    session: Session, write: Callable[..., Document], submission_id: str, seen: int | None, *said: Any, **more: Any
) -> None:
    document = decided(session.client.submission, write, submission_id, seen, *said, **more)
    session.show(document, submission_text(document))


@decide.command()
@click.argument("thing_id", metavar="ID")
@api_command
def show(session: Session, thing_id: str) -> None:
    """Show a submission (SR-...) with its timeline, or a signature change (CH-...)."""
    if thing_id.upper().startswith("CH"):
        document = session.client.change(thing_id)
        session.show(document, change_text(document))
        return
    document = session.client.submission(thing_id)
    events = session.client.timeline(thing_id)["items"]
    story = "\n".join(map(event_text, events))
    session.show(document | {"timeline": events}, f"{submission_text(document)}\n\n{story}")


@decide.command()
@api_command
def take(session: Session) -> None:
    """Claim the next submission of the queue."""
    document = session.client.take()
    session.show(document, "Nothing waits." if document is None else submission_text(document))


@decide.command()
@click.argument("submission_id", metavar="ID")
@revision_option
@api_command
def claim(session: Session, submission_id: str, revision: int | None) -> None:
    """Claim this submission, or make your claim last longer."""
    _decide(session, session.client.claim, submission_id, revision)


@decide.command("give-back")
@click.argument("submission_id", metavar="ID")
@click.option("--reason")
@revision_option
@api_command
def give_back(session: Session, submission_id: str, reason: str | None, revision: int | None) -> None:
    """Put a claimed submission back into the queue."""
    _decide(session, session.client.give_back, submission_id, revision, reason)


@decide.command()
@click.argument("submission_id", metavar="ID")
@click.option("--archive-password", help="Opens the archives among the files; those known before are tried too.")
@revision_option
@api_command
def examine(session: Session, submission_id: str, archive_password: str | None, revision: int | None) -> None:
    """Have the files examined again: archives that no password opened, or what took too long."""
    _decide(session, session.client.examine, submission_id, revision, archive_password)


@decide.command()
@click.argument("submission_id", metavar="ID")
@click.argument("message")
@click.option("--qualified", is_flag=True, help="You ask for all that is needed: the service goal counts it.")
@revision_option
@api_command
def ask(session: Session, submission_id: str, message: str, revision: int | None, *, qualified: bool) -> None:
    """Ask the customer; the submission waits for the reply."""
    _decide(session, session.client.ask, submission_id, revision, message, is_qualified=qualified)


@decide.command()
@click.argument("submission_id", metavar="ID")
@click.argument("message")
@click.option("--qualified", is_flag=True, help="This is the answer that the service goal counts.")
@revision_option
@api_command
def answer(session: Session, submission_id: str, message: str, revision: int | None, *, qualified: bool) -> None:
    """Tell the customer something."""
    _decide(session, session.client.answer, submission_id, revision, message, is_qualified=qualified)


@decide.command()
@click.argument("submission_id", metavar="ID")
@click.argument("determination", type=click.Choice([each.value for each in Determination]))
@click.argument("final_verdict", type=click.Choice([each.value for each in Verdict]))
@click.argument("message")
@revision_option
@api_command
def determine(session: Session, submission_id: str, revision: int | None, **conclusion: str) -> None:
    """Conclude on the claim: what holds, what the file is, and a MESSAGE to the customer."""
    _decide(session, session.client.determine, submission_id, revision, **conclusion)


@decide.command()
@click.argument("submission_id", metavar="ID")
@click.argument("level", metavar="SEVERITY", type=click.IntRange(1, 4))
@click.option("--reason", help="Needed to lower it.")
@revision_option
@api_command
def severity(session: Session, submission_id: str, level: int, reason: str | None, revision: int | None) -> None:
    """Correct the severity, from 1 (work is interrupted) to 4 (no effect on function)."""
    _decide(session, session.client.change_severity, submission_id, revision, level, reason)


@decide.command("miss-reason")
@click.argument("submission_id", metavar="ID")
@click.argument("reason")
@revision_option
@api_command
def miss_reason(session: Session, submission_id: str, reason: str, revision: int | None) -> None:
    """Say, for the report, why an answer came late."""
    _decide(session, session.client.explain_miss, submission_id, revision, reason)


@decide.command()
@click.argument("submission_id", metavar="ID")
@click.argument("sha256")
@click.option("--reason", required=True, help="Why you need it; this is kept.")
@click.option("--output", type=FILE, help="[default: SHA256.zip]")
@api_command
def sample(session: Session, submission_id: str, sha256: str, reason: str, output: Path | None) -> None:
    """Download a sample as an encrypted zip with the password `infected`."""
    # The name is made from what the person typed, so only its last part may count.
    goal = output or Path(Path(sha256).name + ".zip")
    with draft_of_output(goal) as file:
        session.client.download_sample(submission_id, sha256, reason, file)
    session.show({"path": str(goal), "password": "infected"}, f"{goal}  (password: infected)")


for command in (
    *phone.COMMANDS,
    *changes.COMMANDS,
    *relief.COMMANDS,
    *together.COMMANDS,
    screening.similar,
    screening.hit_by,
    texts.texts,
):
    decide.add_command(command)
