"""Sends what `tell` and the deadlines queued: mail to customers who want it, warnings to the on-call."""

from dataclasses import dataclass
from email.message import EmailMessage
from json import dumps

from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.people import Language as Chosen
from sigreq.mail import Mailer, MailRefused
from sigreq.notify.deliveries import body, next_try
from sigreq.notify.failed_guard import FailedGuard
from sigreq.notify.mails import AnswerWarning, Language, compose, compose_warning
from sigreq.notify.timeline import public_view
from sigreq.settings import Mail
from sigreq.store import gates, groups, people, submissions, warnings
from sigreq.store.jobs import Lease
from sigreq.tables.people import AnalystGroup
from sigreq.transaction import Database, Transaction
from sigreq.webhooks import WebhookSender
from sigreq.work import Finish, GaveUp, nothing


@dataclass(frozen=True)
class Letters:
    """E-mail of events and warnings. Without a mail server in the settings nobody is written to."""

    database: Database
    sender: WebhookSender
    settings: Mail | None

    async def send(self, lease: Lease) -> Finish:
        """Write one public event to one person, under the event's own Message-ID however often it is tried."""
        async with self.database.transaction() as tx:
            event = await submissions.event(tx, lease.args["event_id"])
            reader = await people.person(tx, lease.args["person_id"])
        if self.settings is not None and reader.email is not None:
            language = _as_mails_have_it(reader.language)
            origin = (self.settings.sender, self.settings.base_url)
            message = compose(public_view(event), event.subject_id, reader.email, language, *origin)
            await self._hand_over(message, lease.attempt)
        return nothing

    async def warn(self, lease: Lease) -> Finish:
        """Tell the on-call of one warning by one channel, under the warning's own id however often it is tried."""
        async with self.database.transaction() as tx:
            row, submission, group = await warnings.get(tx, lease.args["warning_id"])
            language = await _language_at(tx, group.on_call_email)
        warning = AnswerWarning(row.id, submission.id, row.percent, row.due_at, row.at)
        if lease.args["channel"] == "webhook":
            await self._call(group, warning, lease.attempt)
        elif self.settings is not None and group.on_call_email is not None:
            to = group.on_call_email
            message = compose_warning(warning, to, language, self.settings.sender, self.settings.base_url)
            await self._hand_over(message, lease.attempt)
        return nothing

    async def alert(self, lease: Lease) -> Finish:
        """Tell the on-call of what cannot wait for the queue: an event, or a guard that failed, under its own id."""
        if "run_id" in lease.args:
            return await self._alert_of_run(lease)
        async with self.database.transaction() as tx:
            event = await submissions.event(tx, lease.args["event_id"])
            group = await groups.get(tx, (await submissions.get(tx, event.subject_id)).group_id)
            language = await _language_at(tx, group.on_call_email)
        if lease.args["channel"] == "webhook":
            await self._post(group, event.id, body(event), lease.attempt)
        elif self.settings is not None and group.on_call_email is not None:
            origin = (self.settings.sender, self.settings.base_url)
            message = compose(public_view(event), event.subject_id, group.on_call_email, language, *origin)
            await self._hand_over(message, lease.attempt)
        return nothing

    async def _alert_of_run(self, lease: Lease) -> Finish:
        async with self.database.transaction() as tx:
            run = await gates.get(tx, lease.args["run_id"])
            group = await groups.get(tx, lease.args["group_id"])
            language = await _language_at(tx, group.on_call_email)
        failed = FailedGuard.of(run.id, run.product_id, run.subject, run.finished_at or run.started_at, run.report)
        if lease.args["channel"] == "webhook":
            await self._post(group, failed.id, failed.body(), lease.attempt)
        elif self.settings is not None and group.on_call_email is not None:
            await self._hand_over(failed.mail(group.on_call_email, language, self.settings.sender), lease.attempt)
        return nothing

    async def _hand_over(self, message: EmailMessage, attempt: int) -> None:
        assert self.settings is not None  # noqa: S101 - the callers have looked
        try:
            await Mailer(self.settings).send(message)
        except MailRefused as refusal:
            raise GaveUp(str(refusal)) from refusal
        except ServiceUnavailable as outage:
            raise next_try(attempt, outage.message) from outage

    async def _call(self, group: AnalystGroup, warning: AnswerWarning, attempt: int) -> None:
        data = {
            "submission_id": warning.submission_id,
            "percent": warning.percent,
            "due_at": warning.due_at.isoformat(),
        }
        message = {"type": "submission.answer_due", "timestamp": warning.at.isoformat(), "data": data}
        await self._post(group, warning.id, dumps(message), attempt)

    async def _post(self, group: AnalystGroup, message_id: str, message: str, attempt: int) -> None:
        if group.on_call_url is None or group.on_call_secret is None:
            return
        now = self.database.clock()
        sent = await self.sender.deliver(group.on_call_url, group.on_call_secret, message_id, message, now)
        if not sent.is_delivered:
            raise next_try(attempt, sent.told)


async def _language_at(tx: Transaction, email: str | None) -> Language:
    """The on-call is an address; who has it may have said what they read."""
    return _as_mails_have_it(await people.language_at(tx, email)) if email else "en"


def _as_mails_have_it(chosen: Chosen) -> Language:
    return "ru" if chosen is Chosen.RUSSIAN else "en"


async def give_up(_tx: Transaction, _lease: Lease, _told: str) -> None:
    """The job's row keeps the last error; the event or the warning itself stays readable."""
