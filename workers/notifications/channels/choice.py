"""Which adapter delivers which kind of address: the setting `channels`."""

from __future__ import annotations

from pathlib import Path

from workers.clock import Clock
from workers.errors import Refused
from workers.notifications.channels.channel import Channel
from workers.notifications.channels.sms_gateway import SmsGateway
from workers.notifications.channels.smtp import Smtp
from workers.notifications.channels.spool import Spool
from workers.settings import NotificationSettings

KINDS = {"sms": ("spool", "sms-gateway"), "email": ("spool", "smtp")}


def open_channels(settings: NotificationSettings, spool: Path, clock: Clock) -> dict[str, Channel]:
    """The adapter per kind of address; the caller closes them.

    Args:
        spool: folder for the adapter `spool`.
    Raises:
        Refused: no such kind or adapter, or a setting is missing; the message says what there is.
    """
    chosen = {"sms": "spool", "email": "spool"} | settings.channels
    for kind, adapter in chosen.items():
        if kind not in KINDS:
            raise Refused(f"the setting channels knows no '{kind}'; there are {', '.join(KINDS)}")
        if adapter not in KINDS[kind]:
            raise Refused(f"'{adapter}' cannot deliver {kind}; there are {', '.join(KINDS[kind])}")
    return {kind: _open(adapter, settings, spool, clock) for kind, adapter in chosen.items()}


def _open(adapter: str, settings: NotificationSettings, spool: Path, clock: Clock) -> Channel:
    match adapter:
        case "smtp":
            return Smtp(settings)
        case "sms-gateway":
            return SmsGateway(settings, clock)
        case _:
            return Spool(spool, settings.smtp_from)
