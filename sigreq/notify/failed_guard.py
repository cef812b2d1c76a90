"""What the on-call is told when a version could not be tried on the solved cases. It is about no case in particular."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from json import dumps
from typing import Any, Self

from sigreq.domain.mailbox import read_mailbox
from sigreq.mail import MailRefused
from sigreq.notify.mails import Language

# ruff: noqa: RUF001 - Russian letters are meant

TYPE = "release.recheck_failed"
# The reason is a tool's own message, and stays as it is.
_WORDS: Mapping[Language, tuple[str, str]] = {
    "en": (
        "The solved cases were not tried with {product} {version}",
        (
            "Version {version} of {product} is out, and not every solved case could be tried with it:\n"
            "{reason}\n\n"
            "A fix may have come undone without anybody knowing. What was found in the cases that could be tried is "
            "in the run {run}; those whose fix is gone are open again.\n"
        ),
    ),
    "ru": (
        "Решённые обращения не проверены с {product} {version}",
        (
            "Версия {version} продукта {product} вышла, но проверить с ней удалось не все решённые обращения:\n"
            "{reason}\n\n"
            "Исправление могло пропасть, и никто об этом не знает. Что найдено в тех, которые удалось проверить, "
            "записано в прогоне {run}; те, где исправление пропало, снова открыты.\n"
        ),
    ),
}


@dataclass(frozen=True)
class FailedGuard:
    """A run of the guard with troubles that belong to no case; `id` is the run's, however often it is told."""

    id: str
    product: str
    version: str
    at: datetime
    reason: str

    @classmethod
    def of(cls, run_id: str, product: str, version: str, at: datetime, report: Mapping[str, Any] | None) -> Self:
        """From the run and its report: the first trouble that names no case is the reason."""
        problems = report["problems"] if report else []
        reasons = [each["message"] for each in problems if "submission_id" not in each]
        return cls(run_id, product, version, at, reasons[0] if reasons else "the guard could not run")

    def body(self) -> str:
        """For the webhook."""
        data = {"run_id": self.id, "product": self.product, "version": self.version, "reason": self.reason}
        return dumps({"type": TYPE, "timestamp": self.at.isoformat(), "data": data})

    def mail(self, to: str, language: Language, sender: str) -> EmailMessage:
        """Plain text; the same run is always the same message. Raises MailRefused when `to` is not one address."""
        try:
            recipient = read_mailbox(to)
        except ValueError as error:
            raise MailRefused(str(error)) from error
        own = read_mailbox(sender)
        subject, text = _WORDS[language]
        told = {"run": self.id, "product": self.product, "version": self.version, "reason": self.reason}
        message = EmailMessage(SMTP)
        message["From"] = own
        message["To"] = recipient
        message["Subject"] = f"[{self.id}] {subject.format(**told)}"
        message["Date"] = self.at
        message["Message-ID"] = f"<{self.id}@{own.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.format(**told))
        return message
