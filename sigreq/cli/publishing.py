"""Publishing a candidate: through the gate, and into the register. Each step can be taken again."""

import click

from sigreq.cli.blame import Suspect, blamed, gate_reason, problem_lines
from sigreq.cli.candidate import Candidate
from sigreq.cli.gates import wait_for_gate, why_no_pass
from sigreq.cli.options import Session
from sigreq.cli.output import Document
from sigreq_client import ApiError

MOST_TESTS = 5
"""A pass is void as soon as a case is solved; as often is it tried again."""


class GateFailed(Exception):
    """The candidate did not pass. `reasons` are the changes to blame, each with what it did wrong."""

    def __init__(self, candidate: Candidate, run: Document) -> None:
        self.run = run
        problems = run["report"]["problems"]
        by_change = blamed(problems, [Suspect.of(change) for change in candidate.included])
        self.reasons = {change_id: gate_reason(messages) for change_id, messages in by_change.items()}
        lines = [f"{candidate.product} {candidate.version} did not pass the gate ({run['id']}):"]
        lines += problem_lines(problems, by_change)
        if run["report"]["problems_left_out"]:
            lines.append(f"  and {run['report']['problems_left_out']} more")
        super().__init__("\n".join(lines))

    @property
    def document(self) -> dict[str, object]:
        """The same for programs."""
        return {"code": "gate_failed", "detail": str(self), "gate": self.run, "blamed": self.reasons}


def publish(session: Session, candidate: Candidate) -> Document:
    """Publish it, after the gate where it has no pass that holds; what is published already is no error.

    Raises GateFailed, ApiError.
    """
    for _ in range(MOST_TESTS):
        try:
            return _put(session, candidate)
        except ApiError as error:
            if error.code != "train_not_gated":
                raise
            click.echo(f"{candidate.version} goes through the gate: {why_no_pass(error)}", err=True)
        started = session.client.test_train(candidate.product, candidate.version, candidate.body)
        run = wait_for_gate(session, started["id"])
        if run["state"] != "passed":
            raise GateFailed(candidate, run)
    return _put(session, candidate)


def _put(session: Session, candidate: Candidate) -> Document:
    """Publish, and compare what the server built with what was built here."""
    row: Document = session.client.publish(candidate.product, candidate.version, candidate.body)
    ours = {each["name"]: each["sha256"] for each in candidate.hashes}
    for each in row["bundles"]:
        if ours.get(each["name"]) != each["sha256"]:
            click.echo(f"Warning: the server built another {each['name']}: its SHA-256 is {each['sha256']}.", err=True)
    return row
