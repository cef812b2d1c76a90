"""A mail server on this machine that keeps what it is given: for the demo and the tests."""

import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Postbox:
    """Listens on a free port of 127.0.0.1 and takes every mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def settings(self) -> dict[str, str]:
        """How a service is told to hand its mail over here."""
        return {
            "SIGREQ_MAIL__HOST": "127.0.0.1",
            "SIGREQ_MAIL__PORT": str(self.port),
            "SIGREQ_MAIL__SECURITY": "none",
            "SIGREQ_MAIL__SENDER": "sigreq <sigreq@example.com>",
        }

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to somebody, as they came."""
        return [mail for mail in self.mails if address in mail["To"]]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        """Keep one mail."""
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        self.mails.append(message_from_bytes(raw, _class=EmailMessage, policy=policy.default))
        return "250 kept"
