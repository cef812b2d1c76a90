"""E-mails about public events, and warnings to whoever is on call: plain text and HTML, in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import Any, Literal

from sigreq.domain.lifecycle import Event
from sigreq.domain.mailbox import read_mailbox
from sigreq.mail import MailRefused
from sigreq.notify.mail_en import ENGLISH
from sigreq.notify.mail_ru import RUSSIAN
from sigreq.notify.mail_texts import Texts

Language = Literal["en", "ru"]

TEXTS: Mapping[Language, Texts] = {"en": ENGLISH, "ru": RUSSIAN}
# Folding breaks an identifier that is longer than a line, and long identifiers do no harm: RFC 5322 allows 998.
_POLICY = SMTP.clone(max_line_length=998)


@dataclass(frozen=True)
class AnswerWarning:
    """An answer clock that has run for `percent` of its goal. The same warning keeps its `id`."""

    id: str
    submission_id: str
    percent: int
    due_at: datetime
    at: datetime


@dataclass(frozen=True)
class _Heading:
    id: str
    subject: str
    at: datetime


@dataclass(frozen=True)
class _Body:
    happened: str
    facts: Sequence[tuple[str, Sequence[str]]]
    next: str | None = None


def compose(
    event: Mapping[str, Any], submission_id: str, to: str, language: Language, sender: str, base_url: str | None
) -> EmailMessage:
    """Tell a customer of one public event, given as `timeline.public_view` shows it.

    The same event is always the same message. `base_url` is where the customer's pages are, if anywhere. Raises
    MailRefused when `to` is not one address.
    """
    texts = TEXTS[language]
    text = texts.events[Event(event["name"])]
    at = datetime.fromisoformat(event["at"])
    message = _message(submission_id, to, sender, _Heading(event["id"], text.subject, at))
    _fill(message, submission_id, language, base_url, _Body(text.happened, facts(event["data"], texts), text.next))
    return message


def compose_warning(
    warning: AnswerWarning, to: str, language: Language, sender: str, base_url: str | None
) -> EmailMessage:
    """Tell whoever is on call how long the customer has waited. Raises MailRefused when `to` is not one address."""
    texts = TEXTS[language].warning
    left = warning.due_at - warning.at
    hours, minutes = divmod(abs(left) // timedelta(minutes=1), 60)
    is_over = left <= timedelta(0)
    facts = [
        (texts.due, [_moment(warning.due_at)]),
        (texts.over if is_over else texts.left, [texts.time.format(hours=hours, minutes=minutes)]),
    ]
    subject = texts.subject.format(percent=warning.percent)
    message = _message(warning.submission_id, to, sender, _Heading(warning.id, subject, warning.at))
    happened = texts.overdue if is_over else texts.happened.format(percent=warning.percent)
    _fill(message, warning.submission_id, language, base_url, _Body(happened, facts))
    return message


def _message(submission_id: str, to: str, sender: str, heading: _Heading) -> EmailMessage:
    """The headers. Nothing a customer wrote gets into them but the address, and that is parsed."""
    try:
        recipient = read_mailbox(to)
    except ValueError as error:
        raise MailRefused(str(error)) from error
    own = read_mailbox(sender)
    thread = f"<{submission_id}@{own.domain}>"
    message = EmailMessage(_POLICY)
    message["From"] = own
    message["To"] = recipient
    message["Subject"] = f"[{submission_id}] {heading.subject}"
    message["Date"] = heading.at
    message["Message-ID"] = f"<{heading.id}@{own.domain}>"
    message["In-Reply-To"] = thread
    message["References"] = thread
    message["Auto-Submitted"] = "auto-generated"
    message["X-Sigreq-Submission"] = submission_id
    return message


def facts(data: Mapping[str, Any], texts: Texts) -> list[tuple[str, Sequence[str]]]:
    """What an event says, as labels with lines of text."""
    """What of an event's data is meant for people, in the order of the labels."""
    there = {key: data[key] for key in texts.labels if data.get(key) not in (None, "", [])}
    return [(texts.labels[key], _values(value, key, texts)) for key, value in there.items()]


def _values(value: object, key: str, texts: Texts) -> list[str]:
    if key in {"due_at", "expected_release_at", "expires_at"}:
        return [_moment(datetime.fromisoformat(str(value)))]
    words: Mapping[Any, str] = texts.words.get(key, {})
    if key == "remarks":
        return [_remark(each, words) for each in value] if isinstance(value, list) else []
    return [words.get(each, str(each)) for each in (value if isinstance(value, list) else [value])]


def _remark(remark: Mapping[str, Any], words: Mapping[Any, str]) -> str:
    said = words.get(remark["code"], str(remark["text"]))
    return f"{remark['file']}: {said}" if remark["file"] else said


def _moment(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="minutes")


def _fill(message: EmailMessage, submission_id: str, language: Language, base_url: str | None, body: _Body) -> None:
    """Both parts say the same."""
    texts = TEXTS[language]
    link = f"{base_url.rstrip('/')}/submissions/{submission_id}" if base_url else None
    title = f"{texts.submission} {submission_id}, {_moment(message['Date'].datetime)}"
    message.set_content(_plain(title, body, texts, link))
    page = _html(title, body, texts, link)
    message.add_alternative(f'<!doctype html>\n<html lang="{language}">\n{page}</html>\n', subtype="html")


def _plain(title: str, body: _Body, texts: Texts, link: str | None) -> str:
    parts = [title, body.happened]
    for label, values in body.facts:
        if len(values) > 1:
            parts.append("\n".join([f"{label}:", *(f"{n}. {value}" for n, value in enumerate(values, 1))]))
        else:
            parts.append(f"{label}:\n{values[0]}" if "\n" in values[0] else f"{label}: {values[0]}")
    parts += [f"{texts.next}: {body.next}"] if body.next else []
    parts += [f"{texts.link}: {link}"] if link else []
    return "\n\n".join([*parts, texts.footer]) + "\n"


def _html(title: str, body: _Body, texts: Texts, link: str | None) -> str:
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(body.happened)}</p>"]
    for label, values in body.facts:
        if len(values) > 1:
            items = "".join(f"<li>{escape(value)}</li>" for value in values)
            parts.append(f"<p><b>{escape(label)}</b></p><ol>{items}</ol>")
        else:
            parts.append(f'<p style="white-space: pre-line"><b>{escape(label)}:</b> {escape(values[0])}</p>')
    parts += [f"<p><b>{escape(texts.next)}:</b> {escape(body.next)}</p>"] if body.next else []
    parts += [f'<p><a href="{escape(link)}">{escape(texts.link)}</a></p>'] if link else []
    return "\n".join(['<meta charset="utf-8">', *parts, f"<p><small>{escape(texts.footer)}</small></p>", ""])
