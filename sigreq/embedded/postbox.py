"""A real SMTP server that keeps what it takes, and can be down for a while: for the demo and the tests."""

import random
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

REFUSED = "refused@"
"""An address that begins so is refused for good."""


class Postbox:
    """Listens on one port of 127.0.0.1 from `up` to `down`."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._taken: list[tuple[str, bytes]] = []
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def env(self) -> dict[str, str]:
        """The settings of a service that sends its mail here."""
        return {
            "SIGREQ_MAIL__HOST": "127.0.0.1",
            "SIGREQ_MAIL__PORT": str(self.port),
            "SIGREQ_MAIL__SECURITY": "none",
            "SIGREQ_MAIL__SENDER": "sigreq <sigreq@vendor.example>",
        }

    def up(self) -> None:
        """Take mail."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def down(self) -> None:
        """Be gone."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def to(self, address: str) -> list[EmailMessage]:
        """What was taken for an address, in the order in which it came."""
        return [_read(content) for recipient, content in self._taken if recipient == address]

    def about(self, submission_id: str) -> set[str]:
        """Who was written to about a submission."""
        return {to for to, content in self._taken if _read(content)["X-Sigreq-Submission"] == submission_id}

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith(REFUSED):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._taken += [(address, envelope.original_content or b"") for address in envelope.rcpt_tos]
        return "250 OK"


def identity(message: EmailMessage) -> str:
    """The identifier of the event or warning that a message is about."""
    return str(message["Message-ID"]).removeprefix("<").removesuffix("@vendor.example>")


def _read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def _free_port() -> int:
    """Below 32768, where the kernel takes no ports for outgoing connections while the server is down."""
    for port in random.sample(range(20000, 32768), 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no port can be had")
