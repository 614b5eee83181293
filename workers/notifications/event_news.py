"""Every customer of an event is told together how it stands (rule E6): counted and shown first, then written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from workers.cases.wording import Wording
from workers.errors import Conflict, Refused
from workers.notifications.facts import Channel
from workers.notifications.messenger import Messenger
from workers.notifications.render import Rendered
from workers.store import answers, incidents, timeline
from workers.store.outbox import Transaction
from workers.store.tables import Complaint, TimelineEntry

EVENT: Final = "incident-progress"
"""The folder under templates/notifications; its own fact is `news`."""
TOLD: Final = "attached-told"
"""Timeline code: the customers of an event were told, by a report or by hand."""
NEWS_FIELD: Final = "told_news"
"""Under this name the text is kept with the answers of the event."""
LONGEST: Final = 500
"""Characters that somebody may write."""


@dataclass(frozen=True)
class Rehearsal:
    """What would happen.

    Attributes:
        complaints: that wait for the event.
        by_channel: customers by the way they are told.
        unreachable: customers without an address.
        shown: the words, by channel; without anybody's name.
        seen: how often the customers had been told when this was looked at, see `tell`.
    """

    complaints: int
    by_channel: dict[Channel, int]
    unreachable: int
    shown: dict[Channel, Rendered]
    seen: int

    @property
    def customers(self) -> int:
        """Who would get a message."""
        return sum(self.by_channel.values())


def checked(wording: Wording, news: str) -> str:
    """The text without blanks around it.

    Raises:
        Refused: there is none, it is too long, or has words that are not said to customers (rule D6).
    """
    text = news.strip()
    if not text:
        raise Refused("请写明要告知客户的内容。 Write what the customers are to be told.")
    if len(text) > LONGEST:
        raise Refused(f"最多 {LONGEST} 个字。 At most {LONGEST} characters.")
    wording.check([("告知内容（news）", "message", text)])
    return text


def rehearse(tx: Transaction, messenger: Messenger, number: str, news: str, now: datetime) -> Rehearsal:
    """Who would be told what; nothing is written.

    Raises:
        NotFound: no such event. Conflict: it is solved or over: its customers hear the result.
    """
    _check_open(tx, number)
    waiting = _waiting(tx, number)
    by_channel: dict[Channel, int] = {}
    shown: dict[Channel, Rendered] = {}
    customers = _customers(waiting)
    for complaint in customers:
        channel = messenger.reaches(complaint, EVENT)
        if channel is None:
            continue
        by_channel[channel] = by_channel.get(channel, 0) + 1
        if channel not in shown:
            shown[channel] = messenger.preview(tx, complaint, EVENT, channel, now, {"news": news})
    unreachable = len(customers) - sum(by_channel.values())
    return Rehearsal(len(waiting), by_channel, unreachable, shown, len(_told(tx, number)))


def tell(
    tx: Transaction,
    messenger: Messenger,
    number: str,
    news: str,
    now: datetime,
    *,
    who: str,
    occasion: str,
    seen: int | None = None,
) -> int:
    """One message to every customer whose complaint waits for the event, once per occasion.

    A customer with several complaints in the event hears it once, under the first of them.

    Args:
        occasion: what makes this telling the same one when it is asked for again.
        seen: `Rehearsal.seen`; None: whatever was told before.

    Returns:
        How many messages were written; the same number when it is asked for again.

    Raises:
        NotFound: no such event. Conflict: it is solved or over, or somebody told them since `seen`.
    """
    key = f"{number}:told-by-hand:{occasion}"
    _check_open(tx, number, unless_told=key)
    before = timeline.find(tx, key)
    if before is not None:
        return int(before.facts["count"])
    told = _told(tx, number)
    if seen is not None and seen != len(told):
        raise Conflict(_meanwhile(told))
    customers = _customers(_waiting(tx, number))
    count = sum(messenger.tell_customer(tx, each, EVENT, key, now, {"news": news}) for each in customers)
    timeline.add(tx, number, now, who, TOLD, key, event=EVENT, count=count)
    word = sha256(key.encode()).hexdigest()[:24]
    answers.keep(tx, number, f"told-{word}", "tell-customers", {NEWS_FIELD: news}, who, now)
    return count


def _check_open(tx: Transaction, number: str, unless_told: str | None = None) -> None:
    """Holds the event until the transaction ends: who tells takes turns."""
    incident = incidents.get(tx, number)
    if incident.status in incidents.OPEN or (unless_told and timeline.find(tx, unless_told)):
        return
    raise Conflict(
        f"事件已解决或结束，客户将收到处理结果。 Event {number} is {incident.status}; its customers are told the "
        "result."
    )


def _waiting(tx: Transaction, number: str) -> list[Complaint]:
    return [each for each in incidents.members(tx, number) if each.closed_at is None]


def _customers(waiting: list[Complaint]) -> list[Complaint]:
    """The first complaint of each customer."""
    first: dict[str, Complaint] = {}
    for complaint in waiting:
        first.setdefault(complaint.customer_key or complaint.number, complaint)
    return list(first.values())


def _told(tx: Transaction, number: str) -> list[TimelineEntry]:
    return [each for each in timeline.of(tx, number) if each.code == TOLD]


def _meanwhile(told: list[TimelineEntry]) -> str:
    count = told[-1].facts.get("count", 0) if told else 0
    who = told[-1].who if told else "duban"
    return (
        f"刚刚已由 {who} 告知 {count} 位客户，请核对后再发。 {who} has told {count} customers meanwhile: look "
        "again before you send."
    )
