"""Complaints in the words of TM Forum's trouble ticket (TMF621 v5), both ways; docs/tmf621.md is the mapping."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.cases.readable import Line, Note, Story, Word
from workers.errors import Refused
from workers.names import Status

BASE: Final = "/api/v1/tmf621/troubleTicket"
STATUS: Final[dict[str, str]] = {
    Status.RECEIVED: "acknowledged",
    Status.ACCEPTED: "acknowledged",
    Status.IN_PROGRESS: "inProgress",
    Status.RESOLVED: "resolved",
    Status.CLOSED: "closed",
    Status.WITHDRAWN: "cancelled",
}
"""Status of a complaint -> of its ticket. `pending`, `held`, `rejected` are never told: none is put aside."""
SEVERITY: Final = {"ordinary": "Minor", "important": "Major", "urgent": "Critical"}
"""Priority of a complaint -> severity of its ticket; Minor until it is decided."""
_HISTORY: Final = {
    "received": "acknowledged",
    "assigned": "inProgress",
    "reopened": "inProgress",
    "resolved": "resolved",
    "archived": "closed",
    "withdrawn": "cancelled",
}
"""Code of the timeline -> status that the ticket had from then on."""
_PLACES: Final = ("province", "city", "branch")
_WORDS: Final = frozenset({"policy", "product", "occurred_at", "impact", *_PLACES})
"""Characteristics of a ticket that become fields of the complaint."""


class _Part(BaseModel):
    """A part of a ticket; what we have no use for (`@baseType`, `href` …) is left alone."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class _Named(_Part):
    id: Line | None = None
    name: Line | None = None


class _Medium(_Part):
    """TMF632's contact medium: of a telephone or of e-mail."""

    phone_number: Line | None = Field(None, alias="phoneNumber")
    email_address: Line | None = Field(None, alias="emailAddress")


class _Party(_Named):
    contact_medium: list[_Medium] = Field(default_factory=list, alias="contactMedium", max_length=10)


class _RelatedParty(_Part):
    role: Word
    party: _Party = Field(alias="partyOrPartyRole")


class _Characteristic(_Part):
    name: Word
    value: Any = None


class TicketNote(_Part):
    """A note on a ticket; `author` is a username of the staff."""

    text: Note
    author: Word | None = None


class NewTicket(_Part):
    """A ticket to be made: TroubleTicket_FVO of TMF621."""

    description: Story
    ticket_type: Word = Field("complaint", alias="ticketType")
    severity: Word | None = None
    channel: _Named | None = None
    external_identifier: list[_Named] = Field(default_factory=list, alias="externalIdentifier", max_length=10)
    related_party: list[_RelatedParty] = Field(default_factory=list, alias="relatedParty", max_length=20)
    characteristic: list[_Characteristic] = Field(
        default_factory=list, alias="troubleTicketCharacteristic", max_length=20
    )


class TicketChange(BaseModel):
    """What may be changed about a ticket: TroubleTicket_MVO of TMF621, as far as the process can honour it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    status: Word | None = None
    status_change_reason: Note | None = Field(None, alias="statusChangeReason")
    note: list[TicketNote] = Field(default_factory=list, max_length=10)
    type_: Word | None = Field(None, alias="@type")


def complaint_of(
    ticket: NewTicket, *, policies: Collection[str], channel: str = "internal"
) -> dict[str, Any]:
    """The fields of the complaint that a new ticket stands for; workers.cases.complaint.check looks at them.

    Args:
        policies: those that there are; where there is only one, a ticket need not name it.
        channel: of a ticket that names none.

    Raises:
        Refused: it is another kind of ticket, or has a characteristic that no complaint has.
    """
    if ticket.ticket_type != "complaint":
        raise Refused("只受理 ticketType 为 complaint 的工单。 ticketType: only complaints are taken here.")
    words = {each.name: each.value for each in ticket.characteristic if each.value is not None}
    if odd := sorted(set(words) - _WORDS):
        raise Refused(f"troubleTicketCharacteristic: {odd[0][:40]!a} is none of {', '.join(sorted(_WORDS))}")
    if "policy" not in words and len(policies) == 1:
        words["policy"] = next(iter(policies))
    named = ticket.channel
    line: dict[str, Any] = {
        name: words[name] for name in ("policy", "product", "occurred_at", "impact") if name in words
    }
    line |= {
        "channel": (named.id or named.name) if named is not None else channel,
        "text": ticket.description,
        "customer": _customer(ticket.related_party),
        "region": {name: words[name] for name in _PLACES if name in words},
    }
    if ticket.external_identifier:
        line["external_ref"] = ticket.external_identifier[0].id
    return line


def parsed(document: object) -> NewTicket:
    """A ticket as it came in. Raises Refused: names what is wrong, and repeats nothing that was sent."""
    try:
        return NewTicket.model_validate(document)
    except ValidationError as error:
        raise Refused(_sentence(error)) from None


def parsed_change(document: object) -> TicketChange:
    """A change as it came in. Raises the same."""
    try:
        return TicketChange.model_validate(document)
    except ValidationError as error:
        raise Refused(_sentence(error)) from None


def ticket_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """The ticket of a complaint in a list, out of its line (workers.store.complaint_lines)."""
    number = case["number"]
    about = " · ".join(part for part in (case["category"], case["product"]) if part)
    found: dict[str, Any] = {
        "@type": "TroubleTicket",
        "id": number,
        "href": f"{BASE}/{number}",
        "name": case["category"],
        "description": f"投诉 Complaint{': ' if about else ''}{about}",
        "ticketType": "complaint",
        "severity": SEVERITY.get(case["priority"] or "", "Minor"),
        "priority": case["priority"],
        "status": STATUS[case["status"]],
        "channel": {"@type": "ChannelRef", "id": case["channel"], "name": case["channel"]},
        "creationDate": case["received_at"],
        "expectedResolutionDate": case["due_at"],
        "resolutionDate": case["closed_at"],
        "relatedParty": _handlers(case["owner"]),
        "troubleTicketCharacteristic": _characteristics(case),
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def whole_ticket_of(case: Mapping[str, Any], notes: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The ticket of one complaint, out of the whole case (workers.store.case_view).

    Args:
        notes: as workers.desk.case_notes.shown; None: whoever asks may not read them.
    """
    number, events = case["number"], case["timeline"]
    due = next((each["due_at"] for each in case["deadlines"] if each["kind"] == "result"), None)
    found = ticket_of({**case, "due_at": due})
    history = [
        {"@type": "StatusChange", "status": _HISTORY[each["code"]], "statusChangeDate": each["at"]}
        for each in events
        if each["code"] in _HISTORY
    ]
    if history:
        found["statusChangeHistory"] = history
        found["statusChangeDate"] = history[-1]["statusChangeDate"]
    if events:
        found["lastUpdate"] = events[-1]["at"]
    if customer := {name: value for name, value in case["customer"].items() if value}:
        found["relatedParty"] = [*found.get("relatedParty", []), _shown_customer(customer)]
    if case["evidence"]:
        found["attachment"] = [_attachment(number, each) for each in case["evidence"]]
    if notes:
        found["note"] = [
            {
                "@type": "Note",
                "id": str(each["id"]),
                "author": each["author"],
                "date": each["at"],
                "text": each["text"],
            }
            for each in notes
        ]
    return found


def only(ticket: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """The attributes asked for (TMF630 `fields`), and those that every resource has; all for none."""
    wanted = {"id", "href", "@type", *fields}
    return {name: value for name, value in ticket.items() if not fields or name in wanted}


def _customer(parties: list[_RelatedParty]) -> dict[str, Any]:
    found = next((each.party for each in parties if each.role.lower() == "customer"), None)
    if found is None:
        raise Refused("relatedParty 须有 role 为 customer 的一项。 relatedParty names no customer.")
    phone = next((each.phone_number for each in found.contact_medium if each.phone_number), None)
    email = next((each.email_address for each in found.contact_medium if each.email_address), None)
    return {"name": found.name, "phone": phone, "email": email, "customer_no": found.id}


def _handlers(owner: Mapping[str, Any]) -> list[dict[str, Any]]:
    who = {"id": owner["person"] or owner["group"], "name": owner["group"]}
    party = {"@type": "PartyRef", "@referredType": "Individual" if owner["person"] else "Organization"}
    handler = {
        "@type": "RelatedPartyRefOrPartyRoleRef",
        "role": "handler",
        "partyOrPartyRole": {**party, **who},
    }
    return [handler] if who["id"] else []


def _shown_customer(customer: Mapping[str, Any]) -> dict[str, Any]:
    party: dict[str, Any] = {"@type": "Individual", "name": customer.get("name")}
    media: list[dict[str, Any]] = []
    if phone := customer.get("phone"):
        media.append({"@type": "PhoneContactMedium", "phoneNumber": phone})
    if email := customer.get("email"):
        media.append({"@type": "EmailContactMedium", "emailAddress": email})
    party |= {"contactMedium": media} if media else {}
    shown = {name: value for name, value in party.items() if value is not None}
    return {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "customer", "partyOrPartyRole": shown}


def _characteristics(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    words = {"policy": case["policy"], "product": case["product"], **case["region"], "tier": case["tier"]}
    words |= {"satisfaction": case["satisfaction"], "outcome": case["outcome"]}
    return [
        {"@type": "StringCharacteristic", "name": name, "value": value, "valueType": "string"}
        for name, value in words.items()
        if value is not None
    ]


def _attachment(number: str, piece: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "Attachment",
        "id": piece["sha256"],
        "name": piece["name"],
        "attachmentType": piece["kind"],
        "mimeType": piece["media_type"],
        "size": {"amount": piece["size"], "units": "bytes"},
        "url": f"/api/v1/complaints/{number}/evidence/{piece['sha256']}",
    }


def _sentence(error: ValidationError) -> str:
    parts = []
    for each in error.errors(include_input=False, include_url=False):
        where = ".".join(str(part) for part in each["loc"])
        parts.append(
            f"{ascii(where[:80])[1:-1] or 'the ticket'}: {each['msg'].removeprefix('Value error, ')}"
        )
    return "; ".join(parts[:10])
