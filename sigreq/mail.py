"""E-mail, handed to one SMTP server."""

from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from sigreq.domain.errors import ServiceUnavailable
from sigreq.settings import Mail

PERMANENT = 5  # the first digit of the reply: the same message will be refused again


class MailRefused(Exception):
    """This message will never reach this recipient; the text says why."""


class Mailer:
    """Opens a connection for each message: mail is rare, and servers close idle connections."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage) -> None:
        """Return when the server has taken the message for its one recipient.

        Raises MailRefused when the recipient or the content is refused for good; ServiceUnavailable for everything
        that may pass or that the operator can mend, such as a wrong password.
        """
        password = self._settings.password
        server = SMTP(
            hostname=self._settings.host,
            port=self._settings.port,
            username=self._settings.username,
            password=password.get_secret_value() if password else None,
            use_tls=self._settings.security == "tls",
            start_tls=self._settings.security == "start_tls",
            timeout=self._settings.timeout.total_seconds(),
        )
        try:
            async with server:
                await _hand_over(server, message)
        except (SMTPException, OSError) as error:
            raise ServiceUnavailable("the mail server") from error


async def _hand_over(server: SMTP, message: EmailMessage) -> None:
    try:
        await server.send_message(message)
    except SMTPRecipientsRefused as error:
        _refuse_if_permanent(error.recipients[0])
        raise
    except SMTPDataError as error:
        _refuse_if_permanent(error)
        raise
    except SMTPNotSupported as error:  # an address in letters that this server cannot write
        raise MailRefused(error.message) from error


def _refuse_if_permanent(answer: SMTPResponseException) -> None:
    if answer.code // 100 == PERMANENT:
        raise MailRefused(f"{answer.code} {answer.message}") from answer
