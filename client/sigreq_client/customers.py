"""What customers do, and what everybody may ask."""

from collections.abc import Mapping, Sequence
from typing import Any

from sigreq_client.caller import Caller, R_co, path
from sigreq_client.calls import Call
from sigreq_client.upload import File, Progress, Upload


class CustomerOperations(Caller[R_co]):
    """Submissions as their customer sees them, and the account."""

    def ready(self) -> R_co:
        """Whether the server can work; ApiError 503 names what is missing."""
        return self._call(Call("GET", "/health/ready"))

    def account(self) -> R_co:
        """Who this key belongs to, with their plan and its goals."""
        return self._get("account")

    def check_database(self, product: str, version: str) -> R_co:
        """What the release register says about a database version; `is_accepted` decides over a submission."""
        return self._get("database-check", product=product, version=version)

    def set_webhook(self, url: str) -> R_co:
        """Have events sent there. The answer is the only one that holds the signing secret."""
        return self._put("account", "webhook", body={"url": url})

    def delete_webhook(self) -> R_co:
        """Have no events sent any more."""
        return self._delete("account", "webhook")

    def ping_webhook(self) -> R_co:
        """Have a message of the type `webhook.ping` sent there; `delivery` is its id in the log."""
        return self._post("account", "webhook", "ping")

    def deliveries(self, cursor: str | None = None, limit: int | None = None) -> R_co:
        """What was sent to your organisation's webhook, newest first; `next_cursor` leads to the next page."""
        return self._get("account", "webhook", "deliveries", cursor=cursor, limit=limit)

    def send_again(self, delivery_id: str) -> R_co:
        """Have the same message sent once more, under the same `webhook-id`."""
        return self._post("account", "webhook", "deliveries", delivery_id, "again")

    def keys(self, cursor: str | None = None, limit: int | None = None) -> R_co:
        """Your organisation's API keys, without the keys themselves."""
        return self._get("account", "keys", cursor=cursor, limit=limit)

    def add_own_key(self, title: str) -> R_co:
        """Another API key for yourself. The answer is the only one that holds it."""
        return self._post("account", "keys", title=title)

    def revoke_own_key(self, key_id: str) -> R_co:
        """Make an API key of your organisation useless at once."""
        return self._delete("account", "keys", key_id)

    def set_contact(self, email: str | None, language: str = "en") -> R_co:
        """Have your events written to this address, in `en` or `ru`; None: no more mail."""
        return self._put("account", "contact", body={"email": email, "language": language})

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
        return self._call(Call("POST", path("submissions"), headers=headers, upload=Upload(fields, files, on_progress)))

    def upload_link(self, token: str) -> R_co:
        """What a link is for that somebody got on the phone. No key is needed: the token is one."""
        return self._get("uploads", token)

    def upload(self, token: str, files: Sequence[File], on_progress: Progress | None = None) -> R_co:
        """Send the files of a request made by phone, in constant memory. The link works once; no key is needed."""
        return self._call(Call("POST", path("uploads", token), upload=Upload(None, files, on_progress)))

    def submissions(self, state: str | None = None, cursor: str | None = None, limit: int | None = None) -> R_co:
        """One page, newest first; `next_cursor` leads to the next."""
        return self._get("submissions", state=state, cursor=cursor, limit=limit)

    def submission(self, submission_id: str) -> R_co:
        """One submission as it stands."""
        return self._get("submissions", submission_id)

    def report(self, submission_id: str, after: int | None = None, limit: int | None = None) -> R_co:
        """What screening found in each file, and in what it holds; `next_after` leads to the next page."""
        return self._get("submissions", submission_id, "report", after=after, limit=limit)

    def sample(self, digest: str) -> R_co:
        """What an MD5, SHA-1, SHA-256, import hash or TLSH digest belongs to, and the submissions it came with."""
        return self._get("samples", digest)

    def limits(self) -> R_co:
        """What may be sent, how far it is examined, and the reasons why something may not be. No key is needed."""
        return self._get("limits")

    def timeline(self, submission_id: str) -> R_co:
        """What has happened to it, in order."""
        return self._get("submissions", submission_id, "timeline")

    def reply(self, submission_id: str, message: str) -> R_co:
        """Answer the analyst's question, or add something."""
        return self._post("submissions", submission_id, "reply", message=message)

    def evidence(self, submission_id: str) -> R_co:
        """The signed statement that a published version fixed it: an in-toto statement in a DSSE envelope."""
        return self._get("submissions", submission_id, "evidence")

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
