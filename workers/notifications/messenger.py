"""Tells customers and staff something: picks the channel, gathers the facts, writes words into the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import phonenumbers

from workers.cases import masking
from workers.errors import Broken
from workers.notifications.facts import Channel
from workers.notifications.phrases import spoken_name, spoken_word
from workers.notifications.render import Templates
from workers.settings import Settings
from workers.store import answers, deadlines, outbox, staff
from workers.store.outbox import Transaction
from workers.store.tables import Complaint, Staff

CUSTOMER = "customer"
REPLY_FIELD = "customer_reply"
"""Form field in which staff write to the customer, whichever the form."""
CASE_PATH = "/complaints/{number}"
"""The page of the desk that shows a case to staff."""


class Messenger:
    """Writes messages in the caller's transaction: a fact and the message about it are kept together or not.

    A second call for the same complaint, event, recipient and occasion writes nothing.
    """

    def __init__(self, templates: Templates, settings: Settings) -> None:
        self._templates = templates
        self._settings = settings

    def tell_customer(
        self,
        tx: Transaction,
        complaint: Complaint,
        event: str,
        occasion: str,
        now: datetime,
        facts: Mapping[str, Any],
    ) -> int:
        """One message to the customer: by SMS where there is a phone and a text for it, else by e-mail.

        Args:
            event: folder under templates/notifications.
            occasion: what makes this telling different from another one of the same event.
            facts: added to the standard ones (see facts.json), or in their place.
        Returns:
            How many messages were written: 1; or 0 when it was told before or cannot be reached.
        Raises:
            Broken: the event isn't there or isn't for customers, a fact is missing, or a template is faulty.
        """
        self._check_audience(event, "customer")
        known = self._facts(tx, complaint, now)
        known |= {
            "customer_name": spoken_name(complaint.customer_name),
            "progress_url": self._progress_url(complaint.number),
            "missing_fields": list(complaint.missing_fields),
            "reply": answers.newest(tx, complaint.number, [REPLY_FIELD]),
        }
        addresses = _customer_addresses(complaint)
        return self._tell(tx, complaint.number, event, CUSTOMER, addresses, occasion, now, {**known, **facts})

    def tell_staff(
        self,
        tx: Transaction,
        complaint: Complaint,
        people: Sequence[Staff],
        event: str,
        occasion: str,
        now: datetime,
        facts: Mapping[str, Any],
    ) -> int:
        """One message to each person: by e-mail where there is an address, else by SMS.

        The customer's name is masked.

        Arguments, result and errors as for `tell_customer`.
        """
        self._check_audience(event, "staff")
        known, name = self._facts(tx, complaint, now), spoken_name(complaint.customer_name)
        known |= {
            "customer_name": masking.name(name) if name else None,
            "case_url": self._case_url(complaint.number),
            "due_at": _next_due(tx, complaint.number, now),
        }
        written = 0
        for person in people:
            addresses: list[tuple[Channel, str | None]] = [("email", person.email), ("sms", person.phone)]
            told = {**known, "staff_name": person.name, **facts}
            written += self._tell(
                tx, complaint.number, event, person.username, addresses, occasion, now, told
            )
        return written

    def _tell(
        self,
        tx: Transaction,
        number: str,
        event: str,
        recipient: str,
        addresses: Sequence[tuple[Channel, str | None]],
        occasion: str,
        now: datetime,
        facts: Mapping[str, Any],
    ) -> int:
        offered = self._templates.channels(event)
        chosen = next(((channel, to) for channel, to in addresses if to and channel in offered), None)
        if chosen is None:
            return 0
        channel, address = chosen
        text = self._templates.render(event, channel, facts)
        message = outbox.NewMessage(
            number=number,
            event=event,
            recipient=recipient,
            channel=channel,
            address=address,
            subject=text.subject,
            body=text.body,
            html=text.html,
        )
        return int(outbox.add(tx, message, occasion, now))

    def _facts(self, tx: Transaction, complaint: Complaint, now: datetime) -> dict[str, Any]:
        """The standard facts of facts.json."""
        due = {deadline.kind: deadline.due_at for deadline in deadlines.of(tx, complaint.number)}
        owners = staff.by_usernames(tx, {complaint.owner_person}) if complaint.owner_person else []
        told = self._settings.notifications
        return {
            "number": complaint.number,
            "category": complaint.category,
            "priority": complaint.priority,
            "product": spoken_word(complaint.product),
            "tier": complaint.tier,
            "owner_group": complaint.owner_group,
            "owner_name": owners[0].name if owners else None,
            "received_at": complaint.received_at,
            "investigation_due_at": due.get("preliminary"),
            "result_due_at": due.get("result"),
            "now": now,
            "organisation": told.organisation,
            "organisation_en": told.organisation_en,
            "hotline": told.hotline,
        }

    def _check_audience(self, event: str, audience: str) -> None:
        declared = self._templates.facts.events.get(event)
        if declared is None or declared.to != audience:
            raise Broken(f"templates/notifications has no event '{event}' for {audience}")

    def _progress_url(self, number: str) -> str | None:
        url = self._settings.notifications.progress_url
        return url.replace("{number}", number) if url else None

    def _case_url(self, number: str) -> str | None:
        base = self._settings.web.public_url
        return base.rstrip("/") + CASE_PATH.format(number=number) if base else None


def _next_due(tx: Transaction, number: str, now: datetime) -> datetime | None:
    """The next statutory deadline that can still be met."""
    open_ones = (deadline.due_at for deadline in deadlines.of(tx, number) if deadline.met_at is None)
    return min((due_at for due_at in open_ones if due_at > now), default=None)


def _customer_addresses(complaint: Complaint) -> list[tuple[Channel, str | None]]:
    phone: tuple[Channel, str | None] = ("sms", complaint.customer_phone)
    email: tuple[Channel, str | None] = ("email", complaint.customer_email)
    return [email, phone] if _is_landline(complaint.customer_phone) else [phone, email]


def _is_landline(phone: str | None) -> bool:
    """A landline gets an SMS only where there is no e-mail address: then the gateway says what it can do."""
    if phone is None:
        return False
    try:
        parsed = phonenumbers.parse(phone, "CN")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE
