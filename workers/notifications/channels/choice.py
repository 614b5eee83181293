"""Which adapter delivers which kind of address: the setting `channels`."""

from __future__ import annotations

from pathlib import Path

from workers.clock import Clock
from workers.errors import Broken
from workers.notifications.channels.channel import Channel
from workers.notifications.channels.sms_gateway import SmsGateway
from workers.notifications.channels.smtp import Smtp
from workers.notifications.channels.spool import Spool
from workers.settings import NotificationSettings, Settings

KINDS = {"sms": ("spool", "sms-gateway"), "email": ("spool", "smtp")}


def channels_for(settings: Settings, clock: Clock) -> dict[str, Channel]:
    """The adapter per kind of address; the caller closes them. The spool is in the data folder.

    Raises:
        Broken: a kind or an adapter that isn't there; the message says which there are.
    """
    told = settings.notifications
    chosen = {"sms": "spool", "email": "spool"} | told.channels
    for kind, adapter in chosen.items():
        if kind not in KINDS:
            raise Broken(f"the setting channels knows no '{kind}'; there are {', '.join(KINDS)}")
        if adapter not in KINDS[kind]:
            raise Broken(f"'{adapter}' cannot deliver {kind}; there are {', '.join(KINDS[kind])}")
    return {kind: _open(adapter, told, settings.data / "spool", clock) for kind, adapter in chosen.items()}


def _open(adapter: str, settings: NotificationSettings, spool: Path, clock: Clock) -> Channel:
    match adapter:
        case "smtp":
            return Smtp(settings)
        case "sms-gateway":
            return SmsGateway(settings, clock)
        case _:
            return Spool(spool, settings.smtp_from)
