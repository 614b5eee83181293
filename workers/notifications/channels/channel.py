"""What a channel is: something that takes a message to an address, or says why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from workers.errors import RetryLater


@dataclass(frozen=True)
class Delivery:
    """A message on its way. `channel` is the kind of address: `sms` or `email`."""

    id: int
    number: str
    event: str
    recipient: str
    channel: str
    address: str
    subject: str | None
    body: str
    html: str | None
    created_at: datetime

    @property
    def key(self) -> str:
        """The same for every delivery of this message, another one for every other message, in any store.

        The outbox id alone would do within one store; a second installation, or a store that was set up anew,
        counts from 1 again, and a mail server or gateway that remembers ids would drop the new messages.
        """
        created = self.created_at.timestamp()
        what = f"{self.id}:{self.number}:{self.event}:{self.recipient}:{self.channel}:{created}"
        return f"duban-{self.id}-{sha256(what.encode()).hexdigest()[:16]}"


class NotNow(RetryLater):
    """The other side cannot take a message now. `after`: the wait it asked for."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Channel(Protocol):
    """Delivers messages of one kind. Called from several threads at once."""

    def deliver(self, message: Delivery) -> None:
        """Hands the message over; returns when the other side has taken it. The same message may come again.

        Raises:
            RetryLater: the other side is away, busy, or doesn't let this service in.
            Refused: this message will never be taken. Its sentence has no personal data in it.
        """
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...
