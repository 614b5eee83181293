"""An e-mail out of a message: headers, text and HTML, and no way for a fact to become a header."""

from __future__ import annotations

import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr

from workers.errors import Refused
from workers.names import SHANGHAI
from workers.notifications.channels.channel import Delivery
from workers.notifications.phrases import one_line

ON_THE_WIRE: EmailPolicy[EmailMessage] = EmailPolicy(linesep="\r\n")
IN_A_FILE: EmailPolicy[EmailMessage] = EmailPolicy(linesep="\n", utf8=True, cte_type="8bit")


def sender_address(setting: str) -> Address:
    """The sender out of `Name <name@domain>`. Raises Refused when it is no address."""
    name, address = parseaddr(setting)
    try:
        return Address(display_name=name, addr_spec=address)
    except (MessageError, ValueError, IndexError) as error:
        raise Refused("the setting smtp_from is no e-mail address") from error


def recipient_address(address: str) -> Address:
    """The recipient. Raises Refused when it is not exactly one plain address."""
    if re.search(r"[\s\x00-\x1f\x7f,;<>]", address):
        raise Refused("the recipient's e-mail address is malformed")
    try:
        local, _, domain = address.rpartition("@")
        if not local or not domain:
            raise ValueError
        return Address(addr_spec=f"{local}@{domain.encode('idna').decode('ascii')}")
    except (MessageError, ValueError, IndexError) as error:
        raise Refused("the recipient's e-mail address is malformed") from error


def compose(message: Delivery, sender: Address, policy: EmailPolicy[EmailMessage]) -> EmailMessage:
    """The e-mail of a message; the same message gives the same headers every time, the Message-ID too."""
    mail = EmailMessage(policy)
    mail["From"] = sender
    mail["To"] = recipient_address(message.address)
    mail["Subject"] = one_line(message.subject or "")
    mail["Date"] = format_datetime(message.created_at.astimezone(SHANGHAI))
    mail["Message-ID"] = f"<{message.key}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = "zh-CN, en"
    encoding = "8bit" if policy is IN_A_FILE else "base64"
    mail.set_content(message.body, cte=encoding)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html", cte=encoding)
    return mail
