"""One bad rule, many cases: what each rule hit, and one answer for all of it."""

from collections.abc import Mapping, Sequence

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, moment, table
from sigreq.domain.verdict import Determination, Verdict

MOST = 100
TO_ANSWER = ("queued", "in_analysis")


@click.command("by-rule")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@api_command
def by_rule(session: Session, limit: int) -> None:
    """List the rules that hit cases which are to be answered."""
    document = session.client.queue_by_rule(limit)
    rows = [[each["rule"], each["waiting"], each["held"], moment(each["due_at"])] for each in document["items"]]
    headers = ["RULE", "WAITING", "IN ANALYSIS", "FIRST ANSWER DUE"]
    session.show(document, table(headers, rows) if rows else "No rule hit a case that is to be answered.")


@click.command()
@click.argument("message")
@click.argument("submission_ids", metavar="[ID]...", nargs=-1)
@click.option("--rule", help=f"All cases to answer that this rule hit, at most {MOST}.")
@click.option("--qualified", is_flag=True, help="This is the answer that the service goal counts.")
@click.option("--determination", type=click.Choice([each.value for each in Determination]), help="Conclude.")
@click.option("--verdict", type=click.Choice([each.value for each in Verdict]), help="With --determination.")
@api_command
def together(
    session: Session,
    message: str,
    submission_ids: Sequence[str],
    rule: str | None,
    determination: str | None,
    verdict: str | None,
    *,
    qualified: bool,
) -> None:
    """Answer many cases as one: those named, or all that one rule hit; each moves by itself, or says why not.

    With --determination and --verdict they are concluded, and MESSAGE is the qualified answer. Exits with 1 when one of
    them did not move.
    """
    if bool(submission_ids) == bool(rule) or (determination is None) != (verdict is None):
        raise click.UsageError("Name cases or a --rule; give --determination and --verdict together or not at all.")
    conclusion = None if determination is None or verdict is None else (determination, verdict)
    chosen = _hit_by(session, rule) if rule else _named(session, submission_ids)
    if not chosen:
        session.show({"items": []}, f"{rule} hit no case that is to be answered.")
        return
    document = session.client.decide_together(chosen, message, is_qualified=qualified, conclusion=conclusion)
    session.show(document, _results(document["items"]))
    if any(each["result"] != "moved" for each in document["items"]):
        click.get_current_context().exit(1)


def _hit_by(session: Session, rule: str) -> Mapping[str, int]:
    found = session.client.hit_by(rule, limit=MOST)["items"]
    return {each["id"]: each["revision"] for each in found if each["state"] in TO_ANSWER}


def _named(session: Session, submission_ids: Sequence[str]) -> Mapping[str, int]:
    found = [session.client.submission(each) for each in submission_ids]
    return {each["id"]: each["revision"] for each in found}


def _results(items: Sequence[Document]) -> str:
    rows = [[each["id"], each["result"], each["state"] or each["problem"]["detail"]] for each in items]
    return table(["ID", "RESULT", "NOW, OR WHY NOT"], rows)


COMMANDS = [by_rule, together]
