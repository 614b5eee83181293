"""E-mail by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

from workers.errors import Refused, RetryLater
from workers.notifications.channels import mail
from workers.notifications.channels.channel import Delivery
from workers.settings import NotificationSettings

MESSAGE_TOO_BIG = 552


class Smtp:
    """Delivers each e-mail over a connection of its own; safe in several threads.

    What concerns this service (connection, TLS, login, sender) is tried again whatever the code says: a wrong
    password must not turn every message into a dead letter. What concerns the message (recipient, content)
    goes by the code: 4xx is tried again, 5xx is final.
    """

    def __init__(self, settings: NotificationSettings) -> None:
        self._settings = settings
        self._sender = mail.sender_address(settings.smtp_from)
        self._tls: ssl.SSLContext | None = None
        if settings.smtp_starttls or settings.smtp_implicit_tls:
            self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file)

    def deliver(self, message: Delivery) -> None:
        """Hands the e-mail to the server. Raises RetryLater or Refused, see the class."""
        composed = mail.compose(message, self._sender, mail.ON_THE_WIRE)
        with self._connection() as server:
            _hand_over(server, composed, self._sender.addr_spec)

    def close(self) -> None:
        """Nothing is held open."""

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        try:
            server = self._connect()
        except smtplib.SMTPResponseException as error:
            raise RetryLater(f"the SMTP server answered {error.smtp_code} to the connection") from error
        except (OSError, smtplib.SMTPException) as error:
            raise RetryLater(f"the SMTP server cannot be reached: {type(error).__name__}") from error
        try:
            try:
                server.ehlo_or_helo_if_needed()
                if settings.smtp_starttls and self._tls is not None:
                    server.starttls(context=self._tls)
                if settings.smtp_user is not None:
                    password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
                    server.login(settings.smtp_user, password)
            except smtplib.SMTPResponseException as error:
                raise RetryLater(f"the SMTP server answered {error.smtp_code} to TLS or login") from error
            except (OSError, smtplib.SMTPException, ValueError) as error:
                raise RetryLater(
                    f"TLS or login with the SMTP server failed: {type(error).__name__}"
                ) from error
            yield server
            with suppress(OSError, smtplib.SMTPException):
                server.quit()  # the message is taken: a bad goodbye changes nothing
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        where = (settings.smtp_host, settings.smtp_port)
        if settings.smtp_implicit_tls:
            return smtplib.SMTP_SSL(*where, timeout=settings.smtp_timeout_seconds, context=self._tls)
        return smtplib.SMTP(*where, timeout=settings.smtp_timeout_seconds)


def _hand_over(server: smtplib.SMTP, composed: EmailMessage, sender: str) -> None:
    try:
        server.send_message(composed, from_addr=sender)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise _refusal(code, "the recipient") from error
    except smtplib.SMTPSenderRefused as error:
        if error.smtp_code == MESSAGE_TOO_BIG:
            raise _refusal(error.smtp_code, "the size of the message") from error
        raise RetryLater(f"the SMTP server answered {error.smtp_code} to the sender") from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, "the message") from error
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        if isinstance(error, smtplib.SMTPNotSupportedError):
            raise Refused("the SMTP server takes no international addresses") from error
        raise RetryLater(f"the SMTP server went away: {type(error).__name__}") from error


def _refusal(code: int, what: str) -> Refused | RetryLater:
    sentence = f"the SMTP server answered {code} to {what}"
    return Refused(sentence) if 500 <= code < 600 else RetryLater(sentence)
