"""Tells customers and staff something: picks the channel, gathers the facts, writes words into the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import phonenumbers

from workers.errors import Broken
from workers.notifications import case_facts, visit_facts
from workers.notifications.authorities import AppealFacts
from workers.notifications.facts import Channel
from workers.notifications.phrases import spoken_name
from workers.notifications.render import Rendered, Templates
from workers.settings import Settings
from workers.store import outbox
from workers.store.cases import AnyCase
from workers.store.outbox import Transaction
from workers.store.retention_tables import RetentionRun
from workers.store.tables import Complaint, Staff

CUSTOMER = "customer"
CONTACT = "contact"
"""Whom to speak to, where that is not the account holder."""
AUTHORITY = "authority"


class Messenger:
    """Writes messages in the caller's transaction: a fact and the message about it are kept together or not.

    A second call for the same complaint, event, recipient and occasion writes nothing.
    """

    def __init__(self, templates: Templates, settings: Settings) -> None:
        self._templates = templates
        self._settings = settings
        self._appeals = AppealFacts.load(templates.folder.parent)

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
            How many messages were written: 1, or 2 where the event is for the contact, too; fewer when told before or
            out of reach.
        Raises:
            Broken: the event isn't there or isn't for customers, a fact is missing, or a template is faulty.
        """
        self._check_audience(event, "customer", "complaint", complaint.number)
        known = self._known_of(tx, complaint, event, now)
        told = {**known, **self._visit_facts(tx, complaint.number, event), **facts}
        addresses = _customer_addresses(complaint)
        written = self._tell(tx, complaint.number, event, CUSTOMER, addresses, occasion, now, told)
        if self._templates.facts.events[event].contact and _has_other_contact(complaint):
            told["customer_name"] = spoken_name(complaint.contact_name)
            phone: list[tuple[Channel, str | None]] = [("sms", complaint.contact_phone)]
            written += self._tell(tx, complaint.number, event, CONTACT, phone, occasion, now, told)
        return written

    def reaches(self, complaint: Complaint, event: str) -> Channel | None:
        """The channel by which the customer would be told; None: out of reach. Raises Broken as `tell_customer`."""
        chosen = self._chosen(event, _customer_addresses(complaint))
        return chosen[0] if chosen else None

    def preview(
        self,
        tx: Transaction,
        complaint: Complaint,
        event: str,
        channel: Channel,
        now: datetime,
        facts: Mapping[str, Any],
    ) -> Rendered:
        """What the customer would read, without their name and their own link (rule B10). Writes no message.

        Raises:
            Broken: as `tell_customer`.
        """
        self._check_audience(event, "customer", "complaint", complaint.number)
        known = self._known_of(tx, complaint, event, now)
        known |= self._visit_facts(tx, complaint.number, event)
        nobody = {"customer_name": None, "progress_url": None}
        return self._templates.render(event, channel, {**known, **nobody, **facts})

    def tell_staff(
        self,
        tx: Transaction,
        case: AnyCase,
        people: Sequence[Staff],
        event: str,
        occasion: str,
        now: datetime,
        facts: Mapping[str, Any],
    ) -> int:
        """One message to each person: by e-mail where there is an address, else by SMS.

        The customer's name is masked.

        Args:
            case: a complaint or an incident, as the event's `about` in facts.json says.

        Other arguments, result and errors as for `tell_customer`.
        """
        self._check_audience(event, "staff", case_facts.kind_of(case), case.number)
        if not people:
            return 0
        used = self._templates.used(event) - facts.keys()
        known = case_facts.for_staff(tx, case, now, self._settings, used)
        known |= self._visit_facts(tx, case.number, event)
        if isinstance(case, Complaint):
            known |= self._appeals.of(tx, case, used)
        return self._tell_each(tx, case.number, event, people, occasion, now, known | dict(facts))

    def tell_of_run(
        self,
        tx: Transaction,
        run: RetentionRun,
        people: Sequence[Staff],
        event: str,
        occasion: str,
        now: datetime,
    ) -> int:
        """The same of a run of record retention (rule C10), which is no case and has no customer."""
        self._check_audience(event, "staff", "retention-run", run.number)
        known = case_facts.of_run(tx, run, now, self._settings)
        return self._tell_each(tx, run.number, event, people, occasion, now, known)

    def tell_authority(
        self,
        tx: Transaction,
        complaint: Complaint,
        channel: str,
        event: str,
        occasion: str,
        now: datetime,
        facts: Mapping[str, Any],
    ) -> int:
        """One e-mail to the authority of a channel: a regulator, or a hotline that sent the complaint on.

        Args:
            channel: a key of the setting `authorities`; where it has none of that name, `regulator` is meant.

        Other arguments and result as for `tell_customer`.

        Raises:
            Broken: no address is set for it, or as for `tell_customer`.
        """
        self._check_audience(event, "authority", "complaint", complaint.number)
        used = self._templates.used(event)
        known = case_facts.for_authority(tx, complaint, now, self._settings, used)
        addresses = self._settings.notifications.authorities
        address = addresses.get(channel) or addresses.get("regulator")
        if not address:
            raise Broken(f"the setting DUBAN_NOTIFICATIONS__AUTHORITIES names no address for {channel!r}")
        to: list[tuple[Channel, str | None]] = [("email", address)]
        return self._tell(tx, complaint.number, event, AUTHORITY, to, occasion, now, {**known, **facts})

    def _tell_each(
        self,
        tx: Transaction,
        number: str,
        event: str,
        people: Sequence[Staff],
        occasion: str,
        now: datetime,
        known: Mapping[str, Any],
    ) -> int:
        written = 0
        for person in people:
            addresses: list[tuple[Channel, str | None]] = [("email", person.email), ("sms", person.phone)]
            told = {"staff_name": person.name, **known}
            written += self._tell(tx, number, event, person.username, addresses, occasion, now, told)
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
        chosen = self._chosen(event, addresses)
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

    def _chosen(
        self, event: str, addresses: Sequence[tuple[Channel, str | None]]
    ) -> tuple[Channel, str] | None:
        offered = self._templates.channels(event)
        return next(((channel, to) for channel, to in addresses if to and channel in offered), None)

    def _known_of(self, tx: Transaction, complaint: Complaint, event: str, now: datetime) -> dict[str, Any]:
        """The standard facts for a customer, and those of an appeal; what no text of the event uses is left null."""
        used = self._templates.used(event)
        known = case_facts.for_customer(tx, complaint, now, self._settings, used)
        return known | self._appeals.of(tx, complaint, used)

    def _visit_facts(self, tx: Transaction, number: str, event: str) -> dict[str, Any]:
        return visit_facts.wanted(tx, number, self._templates.facts.events[event].facts)

    def _check_audience(self, event: str, audience: str, kind: str, number: str) -> None:
        declared = self._templates.facts.events.get(event)
        if declared is None or declared.to != audience:
            raise Broken(f"templates/notifications has no event '{event}' for {audience}")
        is_case = declared.about == "case" and kind in ("complaint", "incident")
        if declared.about != kind and not is_case:
            raise Broken(f"the event '{event}' is about a {declared.about}; {number} is a {kind}")


def _customer_addresses(complaint: Complaint) -> list[tuple[Channel, str | None]]:
    phone: tuple[Channel, str | None] = ("sms", complaint.customer_phone)
    email: tuple[Channel, str | None] = ("email", complaint.customer_email)
    return [email, phone] if _is_landline(complaint.customer_phone) else [phone, email]


def _has_other_contact(complaint: Complaint) -> bool:
    return complaint.contact_phone not in (None, complaint.customer_phone)


def _is_landline(phone: str | None) -> bool:
    """A landline gets an SMS only where there is no e-mail address: then the gateway says what it can do."""
    if phone is None:
        return False
    try:
        parsed = phonenumbers.parse(phone, "CN")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE
