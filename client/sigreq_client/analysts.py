"""What analysts and leads do."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any

from sigreq_client.caller import Caller, R_co, if_match, path
from sigreq_client.calls import Call


class AnalystOperations(Caller[R_co]):
    """Work on submissions and signature changes, and how well the promises were kept."""

    def queue(self, limit: int | None = None) -> R_co:
        """What waits, in the order in which it will be taken."""
        return self._get("queue", limit=limit)

    def similar(self, submission_id: str) -> R_co:
        """Other cases with the same content, rule or signer, or nearly the same content."""
        return self._get("submissions", submission_id, "similar")

    def hit_by(self, rule: str, *, is_open: bool = True, limit: int | None = None) -> R_co:
        """Cases on whose files this rule fired, newest first."""
        return self._get("rules", rule, "submissions", open="true" if is_open else "false", limit=limit)

    def queue_by_rule(self, limit: int | None = None) -> R_co:
        """The rules that hit cases which are to be answered, with their number, those with the most cases first."""
        return self._get("queue", "rules", limit=limit)

    def decide_together(
        self,
        cases: Mapping[str, int],
        message: str,
        *,
        is_qualified: bool = False,
        conclusion: tuple[str, str] | None = None,
    ) -> R_co:
        """Say the same about many cases, each by its revision: an answer, or a conclusion (determination, verdict).

        Each is claimed and moved by itself; `items` has a `result` for each: moved, changed, held or refused.
        """
        chosen = [{"id": submission_id, "revision": revision} for submission_id, revision in cases.items()]
        if conclusion is None:
            said: dict[str, Any] = {"answer": {"message": message, "is_qualified": is_qualified}}
        else:
            determination, verdict = conclusion
            said = {"determine": {"determination": determination, "final_verdict": verdict, "message": message}}
        return self._post("queue", "decide", revision=None, cases=chosen, **said)

    def take(self) -> R_co:
        """Claim the next one; None when nothing waits."""
        return self._post("queue", "take")

    def claim(self, submission_id: str, revision: int) -> R_co:
        """Claim this one, or make a claim of yours last longer."""
        return self._post("submissions", submission_id, "claim", revision=revision)

    def give_back(self, submission_id: str, revision: int, reason: str | None = None) -> R_co:
        """Put it back into the queue."""
        return self._post("submissions", submission_id, "give-back", revision=revision, reason=reason)

    def examine(self, submission_id: str, revision: int, archive_password: str | None = None) -> R_co:
        """Have the files examined again, with another password if there is one; the result comes as an event."""
        return self._post("submissions", submission_id, "examine", revision=revision, archive_password=archive_password)

    def ask(self, submission_id: str, revision: int, message: str, *, is_qualified: bool = False) -> R_co:
        """Ask the customer; their submission waits for the reply.

        Asking for all that is needed can be the qualified answer that the service goal counts.
        """
        fields = {"message": message, "is_qualified": is_qualified}
        return self._post("submissions", submission_id, "ask", revision=revision, **fields)

    def answer(self, submission_id: str, revision: int, message: str, *, is_qualified: bool) -> R_co:
        """Tell the customer something; a qualified answer is the one that the service goal counts."""
        fields = {"message": message, "is_qualified": is_qualified}
        return self._post("submissions", submission_id, "answer", revision=revision, **fields)

    def determine(
        self,
        submission_id: str,
        revision: int,
        determination: str,
        final_verdict: str,
        message: str,
    ) -> R_co:
        """Conclude on the claim; the message is a qualified answer."""
        fields = {"determination": determination, "final_verdict": final_verdict, "message": message}
        return self._post("submissions", submission_id, "determine", revision=revision, **fields)

    def explain_miss(self, submission_id: str, revision: int, reason: str) -> R_co:
        """Say, for the report, why an answer came late."""
        return self._post("submissions", submission_id, "miss-reason", revision=revision, reason=reason)

    def log_call(
        self, submission_id: str, revision: int, called_at: datetime | None = None, note: str | None = None
    ) -> R_co:
        """Note that the customer called, by default now, which can start their answer clock."""
        fields = {"called_at": _written(called_at), "note": note}
        return self._post("submissions", submission_id, "phone-call", revision=revision, **fields)

    def take_phone_request(
        self,
        organisation: str,
        submission: Mapping[str, Any],
        called_at: datetime | None = None,
        valid_hours: int | None = None,
    ) -> R_co:
        """Write down what a customer asked for on the phone; `upload` is the address for their file, shown only now."""
        said = {"organisation": organisation, "submission": submission, "called_at": _written(called_at)}
        return self._post("phone-requests", revision=None, valid_hours=valid_hours, **said)

    def change_severity(self, submission_id: str, revision: int, severity: int, reason: str | None = None) -> R_co:
        """Correct the severity; lowering it needs a reason."""
        return self._post("submissions", submission_id, "severity", revision=revision, severity=severity, reason=reason)

    def download_sample(self, submission_id: str, sha256: str, reason: str, into: IO[bytes]) -> R_co:
        """Write the sample as an AES zip with the password `infected` into `into`. The reason is kept."""
        address = path("submissions", submission_id, "samples", sha256)
        return self._call(Call("GET", address, {"reason": reason}, into=into))

    def draft_change(self, submission_ids: Sequence[str], kind: str, payload: Mapping[str, Any]) -> R_co:
        """Write a change that helps these submissions."""
        return self._post("changes", submission_ids=list(submission_ids), kind=kind, payload=payload)

    def changes(self, state: str | None = None) -> R_co:
        """Signature changes, newest first."""
        return self._get("changes", state=state)

    def change(self, change_id: str) -> R_co:
        """One signature change with its test report."""
        return self._get("changes", change_id)

    def revise_change(self, change_id: str, revision: int, payload: Mapping[str, Any]) -> R_co:
        """Give it other content; it has to be tested again."""
        return self._call(
            Call("PUT", path("changes", change_id), body={"payload": payload}, headers=if_match(revision))
        )

    def test_change(self, change_id: str, revision: int) -> R_co:
        """Start its test; the result is in the change once its state has left `testing`."""
        return self._post("changes", change_id, "test", revision=revision)

    def approve_change(self, change_id: str, revision: int) -> R_co:
        """Release it to the feed. Who wrote it cannot."""
        return self._post("changes", change_id, "approve", revision=revision)

    def reject_change(self, change_id: str, revision: int, reason: str) -> R_co:
        """Send it back to who wrote it."""
        return self._post("changes", change_id, "reject", revision=revision, reason=reason)

    def withdraw_change(self, change_id: str, revision: int, reason: str) -> R_co:
        """Take it out of what will be released."""
        return self._post("changes", change_id, "withdraw", revision=revision, reason=reason)

    # --- leads and auditors: reports ---------------------------------------------------------------------------

    def attainment(self, since: date | None = None, until: date | None = None) -> R_co:
        """How well promises were kept that began from `since` to before `until` (UTC), with each late answer."""
        return self._get("reports", "attainment", **_span(since, until))

    def attainment_csv(self, into: IO[bytes], since: date | None = None, until: date | None = None) -> R_co:
        """The report's lines as CSV, written into `into`."""
        return self._call(
            Call("GET", path("reports", "attainment"), {**_span(since, until), "format": "csv"}, into=into)
        )


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _span(since: date | None, until: date | None) -> dict[str, str | None]:
    return {name: None if day is None else day.isoformat() for name, day in (("since", since), ("until", until))}
