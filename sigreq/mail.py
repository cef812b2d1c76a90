"""E-mail, handed to one SMTP server."""

from email.message import EmailMessage

import aiosmtplib

from sigreq.domain.errors import ServiceUnavailable
from sigreq.settings import Mail

PERMANENT = 5  # the first digit of the reply: trying again will not help


class MailRefused(Exception):
    """This message will never reach this recipient; the text is what the mail server said."""


class Mailer:
    """A connection for each message: mail is rare, and servers close idle connections."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage) -> None:
        """Return when the server has taken the message for its one recipient.

        Raises MailRefused when the server, by a permanent answer, refuses the recipient or the content;
        ServiceUnavailable for everything that may pass or that the operator can mend, such as a wrong password.
        """
        password = self._settings.password
        try:
            await aiosmtplib.send(
                message,
                hostname=self._settings.host,
                port=self._settings.port,
                username=self._settings.username,
                password=password.get_secret_value() if password else None,
                use_tls=self._settings.security == "tls",
                start_tls=self._settings.security == "start_tls",
                timeout=self._settings.timeout.total_seconds(),
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _meaning(error.recipients[0]) from error
        except aiosmtplib.SMTPDataError as error:
            raise _meaning(error) from error
        except aiosmtplib.SMTPNotSupported as error:  # an address with letters that this server cannot write
            raise MailRefused(error.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ServiceUnavailable("the mail server") from error


def _meaning(answer: aiosmtplib.SMTPResponseException) -> Exception:
    if answer.code // 100 == PERMANENT:
        return MailRefused(f"{answer.code} {answer.message}")
    return ServiceUnavailable("the mail server")
