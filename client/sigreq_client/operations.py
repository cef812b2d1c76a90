"""Every operation of the API, once for both clients."""

from collections.abc import Mapping, Sequence
from typing import IO, Any, Generic, TypeVar
from urllib.parse import quote

from sigreq_client.calls import Call
from sigreq_client.upload import File, Progress, Upload

R_co = TypeVar("R_co", covariant=True)


def _path(*segments: str) -> str:
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


class Operations(Generic[R_co]):
    """The operations by audience.

    A `revision` is the one you read; writing over a newer one is refused with ApiError 412.
    """

    def _call(self, call: Call) -> R_co:
        raise NotImplementedError

    def _get(self, *segments: str, **query: str | int | None) -> R_co:
        return self._call(Call("GET", _path(*segments), query))

    def _post(self, *segments: str, revision: int | None = None, **body: Any) -> R_co:
        return self._call(Call("POST", _path(*segments), body=body, headers=_if_match(revision)))

    # --- everybody ---------------------------------------------------------------------------------------------

    def ready(self) -> R_co:
        """Whether the server can work; ApiError 503 names what is missing."""
        return self._call(Call("GET", "/health/ready"))

    def account(self) -> R_co:
        """Who this key belongs to, with their plan and its goals."""
        return self._get("account")

    def check_database(self, product: str, version: str) -> R_co:
        """What the release register says about a database version; `is_accepted` decides over a submission."""
        return self._get("database-check", product=product, version=version)

    # --- customers ---------------------------------------------------------------------------------------------

    def set_webhook(self, url: str) -> R_co:
        """Have events sent there. The answer is the only one that holds the signing secret."""
        return self._call(Call("PUT", _path("account", "webhook"), body={"url": url}))

    def delete_webhook(self) -> R_co:
        """Have no events sent any more."""
        return self._call(Call("DELETE", _path("account", "webhook")))

    def submit(
        self,
        fields: Mapping[str, Any],
        files: Sequence[File],
        idempotency_key: str | None = None,
        on_progress: Progress | None = None,
    ) -> R_co:
        """Hand in a claim with its samples, in constant memory whatever their size.

        With an idempotency key the same call can be made again after a broken connection without a second submission.
        """
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self._call(
            Call("POST", _path("submissions"), headers=headers, upload=Upload(fields, files, on_progress))
        )

    def submissions(self, state: str | None = None, cursor: str | None = None, limit: int | None = None) -> R_co:
        """One page, newest first; `next_cursor` leads to the next."""
        return self._get("submissions", state=state, cursor=cursor, limit=limit)

    def submission(self, submission_id: str) -> R_co:
        """One submission as it stands."""
        return self._get("submissions", submission_id)

    def timeline(self, submission_id: str) -> R_co:
        """What has happened to it, in order."""
        return self._get("submissions", submission_id, "timeline")

    def reply(self, submission_id: str, message: str) -> R_co:
        """Answer the analyst's question, or add something."""
        return self._post("submissions", submission_id, "reply", message=message)

    def withdraw(self, submission_id: str, reason: str | None = None) -> R_co:
        """Take a submission back."""
        return self._post("submissions", submission_id, "withdraw", reason=reason)

    def confirm(self, submission_id: str) -> R_co:
        """Say that the published fix works."""
        return self._post("submissions", submission_id, "confirm")

    def still_happens(self, submission_id: str, message: str) -> R_co:
        """Say that the published fix does not work."""
        return self._post("submissions", submission_id, "still-happens", message=message)

    def dispute(self, submission_id: str, message: str) -> R_co:
        """Ask for a second opinion."""
        return self._post("submissions", submission_id, "dispute", message=message)

    # --- analysts and leads: submissions -----------------------------------------------------------------------

    def queue(self, limit: int | None = None) -> R_co:
        """What waits, in the order in which it will be taken."""
        return self._get("queue", limit=limit)

    def take(self) -> R_co:
        """Claim the next one; None when nothing waits."""
        return self._post("queue", "take")

    def claim(self, submission_id: str, revision: int) -> R_co:
        """Claim this one, or make a claim of yours last longer."""
        return self._post("submissions", submission_id, "claim", revision=revision)

    def give_back(self, submission_id: str, revision: int, reason: str | None = None) -> R_co:
        """Put it back into the queue."""
        return self._post("submissions", submission_id, "give-back", revision=revision, reason=reason)

    def ask(self, submission_id: str, revision: int, message: str) -> R_co:
        """Ask the customer; their submission waits for the reply."""
        return self._post("submissions", submission_id, "ask", revision=revision, message=message)

    def answer(self, submission_id: str, revision: int, message: str, *, is_qualified: bool) -> R_co:
        """Tell the customer something; a qualified answer is the one that the service goal counts."""
        fields = {"message": message, "is_qualified": is_qualified}
        return self._post("submissions", submission_id, "answer", revision=revision, **fields)

    def determine(
        self, submission_id: str, revision: int, determination: str, final_verdict: str, message: str
    ) -> R_co:
        """Conclude on the claim."""
        fields = {"determination": determination, "final_verdict": final_verdict, "message": message}
        return self._post("submissions", submission_id, "determine", revision=revision, **fields)

    def change_severity(self, submission_id: str, revision: int, severity: int, reason: str | None = None) -> R_co:
        """Correct the severity; lowering it needs a reason."""
        return self._post("submissions", submission_id, "severity", revision=revision, severity=severity, reason=reason)

    def download_sample(self, submission_id: str, sha256: str, reason: str, into: IO[bytes]) -> R_co:
        """Write the sample as an AES zip with the password `infected` into `into`. The reason is kept."""
        path = _path("submissions", submission_id, "samples", sha256)
        return self._call(Call("GET", path, {"reason": reason}, into=into))

    # --- analysts and leads: signature changes -----------------------------------------------------------------

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
            Call("PUT", _path("changes", change_id), body={"payload": payload}, headers=_if_match(revision))
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

    # --- release tooling ---------------------------------------------------------------------------------------

    def feed(self, product: str, after: int = 0, limit: int | None = None, track: str | None = None) -> R_co:
        """What happened to approved changes behind the cursor `after`; `next_cursor` is the next one."""
        return self._get("feed", product=product, after=after, limit=limit, track=track)

    def picked_up(self, change_id: str) -> R_co:
        """Say that the change is on its way into a release."""
        return self._post("changes", change_id, "picked-up")

    def releases(self, product: str) -> R_co:
        """The published versions, highest ordinal first."""
        return self._get("releases", product)

    def ruleset(self, product: str, version: str) -> R_co:
        """The rules and allowed files of a published version."""
        return self._get("releases", product, version, "ruleset")

    def publish(self, product: str, version: str, release: Mapping[str, Any]) -> R_co:
        """Enter a version: {ordinal, ruleset: {rules, allowed}, changes: [{id, rev, is_included, reason?}]}.

        All or nothing. Sending the same again changes nothing.
        """
        return self._call(Call("PUT", _path("releases", product, version), body=release))

    # --- administrators ----------------------------------------------------------------------------------------

    def organisations(self) -> R_co:
        """All customers."""
        return self._get("admin", "organisations")

    def add_organisation(self, organisation_id: str, name: str, plan: str) -> R_co:
        """A new customer under a short name."""
        return self._post("admin", "organisations", id=organisation_id, name=name, plan=plan)

    def people(self) -> R_co:
        """Everybody who has or had a key."""
        return self._get("admin", "people")

    def add_person(self, name: str, role: str, organisation: str | None = None) -> R_co:
        """A new person. The answer is the only one that holds their API key."""
        return self._post("admin", "people", name=name, role=role, organisation=organisation)

    def add_key(self, person_id: str) -> R_co:
        """One more API key for a person; it is shown only in this answer."""
        return self._post("admin", "people", person_id, "keys")

    def revoke_keys(self, person_id: str) -> R_co:
        """Make every API key of a person useless."""
        return self._call(Call("DELETE", _path("admin", "people", person_id, "keys")))

    def products(self) -> R_co:
        """All products."""
        return self._get("admin", "products")

    def add_product(self, product: Mapping[str, Any]) -> R_co:
        """A new product: {id, title, scheme, grace_seconds, update_instructions}."""
        return self._call(Call("POST", _path("admin", "products"), body=product))

    def withdraw_release(self, product: str, version: str) -> R_co:
        """Take a published version back: it is not the latest any more, and claims on it are refused."""
        return self._post("admin", "releases", product, version, "withdraw")


def _if_match(revision: int | None) -> dict[str, str]:
    return {} if revision is None else {"If-Match": f'"{revision}"'}
