"""Handing mail to a real SMTP server on this machine."""

import asyncio
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr, ValidationError

from sigreq.domain.errors import ServiceUnavailable
from sigreq.mail import Mailer, MailRefused
from sigreq.notify.mails import compose
from sigreq.settings import Mail

SENDER = "sigreq <sigreq@vendor.example>"
REPLIES = {
    "nobody@customer.example": "550 5.1.1 no such mailbox",
    "busy@customer.example": "450 4.2.1 come back later",
}


class Inbox:
    """Keeps what it takes; refuses by `REPLIES`, and content with the word `poison` for good."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return REPLIES.get(address, "250 OK")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        if b"poison" in content:
            return "554 5.7.1 content refused"
        self.taken.append(content)
        return "250 OK"


class Running(Controller):
    """On a free port. Logging in is offered without TLS, since it never leaves this machine."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        super().__init__(
            self.inbox,
            hostname="127.0.0.1",
            port=free_port(),
            authenticator=_knows,
            auth_require_tls=False,
            auth_required=False,
            enable_SMTPUTF8=False,
        )


def _knows(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    is_known = isinstance(data, LoginPassword) and data == LoginPassword(b"sigreq", b"right")
    return AuthResult(success=is_known, handled=is_known)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def server() -> Iterator[Running]:
    running = Running()
    running.start()
    yield running
    running.stop()


def send(message: EmailMessage, port: int, security: Literal["none", "start_tls"] = "none", **more: Any) -> None:
    settings = Mail(host="127.0.0.1", port=port, security=security, sender=SENDER, **more)
    asyncio.run(Mailer(settings).send(message))


def mail_to(address: str, message: str = "Всё исправлено.") -> EmailMessage:
    event = {"id": "EV-1", "name": "answered", "at": "2026-11-22T10:00:00+00:00", "data": {"message": message}}
    return compose(event, "SR-7K3M-9QX2-4TFZ", address, "ru", SENDER, None)


def test_a_message_arrives_with_both_parts_and_its_subject(server: Running) -> None:
    send(mail_to("jane@customer.example"), server.port)
    (content,) = server.inbox.taken
    arrived = message_from_bytes(content, policy=policy.default)
    assert arrived["Subject"] == "[SR-7K3M-9QX2-4TFZ] Ответ аналитика"
    assert arrived["To"] == "jane@customer.example"
    parts = [(part.get_content_type(), part.get_content()) for part in arrived.iter_parts()]
    assert [kind for kind, _ in parts] == ["text/plain", "text/html"]
    assert all("Всё исправлено." in text for _, text in parts)


def test_a_refused_recipient_is_told_with_the_servers_words(server: Running) -> None:
    with pytest.raises(MailRefused, match="no such mailbox"):
        send(mail_to("nobody@customer.example"), server.port)
    assert server.inbox.taken == []


def test_refused_content_is_refused_for_good(server: Running) -> None:
    with pytest.raises(MailRefused, match="554"):
        send(mail_to("jane@customer.example", "poison"), server.port)


def test_an_address_that_the_server_cannot_write_is_refused_for_good(server: Running) -> None:
    with pytest.raises(MailRefused, match="SMTPUTF8"):
        send(mail_to("jane@почта.example"), server.port)


def test_a_recipient_refused_for_now_is_worth_another_try(server: Running) -> None:
    with pytest.raises(ServiceUnavailable, match="the mail server"):
        send(mail_to("busy@customer.example"), server.port)


def test_a_server_that_is_down_is_worth_another_try() -> None:
    with pytest.raises(ServiceUnavailable, match="the mail server"):
        send(mail_to("jane@customer.example"), free_port())


def test_a_server_that_never_speaks_is_given_up_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ServiceUnavailable):
        send(mail_to("jane@customer.example"), silent.getsockname()[1], timeout=0.2)


def test_nothing_is_sent_in_clear_when_tls_is_asked_for_and_not_offered(server: Running) -> None:
    with pytest.raises(ServiceUnavailable):
        send(mail_to("jane@customer.example"), server.port, "start_tls")
    assert server.inbox.taken == []


def test_the_password_is_used_and_a_wrong_one_loses_no_mail(server: Running) -> None:
    send(mail_to("jane@customer.example"), server.port, username="sigreq", password=SecretStr("right"))
    assert len(server.inbox.taken) == 1
    with pytest.raises(ServiceUnavailable):
        send(mail_to("jane@customer.example"), server.port, username="sigreq", password=SecretStr("wrong"))


@pytest.mark.parametrize("sender", ["sigreq", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", ""])
def test_a_sender_that_is_not_one_address_is_refused_at_start(sender: str) -> None:
    with pytest.raises(ValidationError, match="e-mail address"):
        Mail(host="127.0.0.1", sender=sender)
