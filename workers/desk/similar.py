"""What may be the same matter as the complaint that is being taken, over the API (rules A11, E6, B10)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from workers.cases.contact import check_email, check_phone
from workers.cases.readable import Word
from workers.cases.region import Region, read_place, spoken
from workers.desk.bodies import Body
from workers.desk.caller import sight
from workers.desk.services import DeskServices
from workers.desk.words import iso
from workers.errors import Refused
from workers.store import alike, answers, incidents
from workers.store.incident_tables import MajorIncident
from workers.store.outbox import Transaction
from workers.store.tables import Complaint

_NEWS: tuple[str, ...] = ("customer_news", "customer_reply")
"""Fields in which the work on an event says something to the customers who wait."""


class SimilarBody(Body):
    """What is known so far of who complains, where, and about what. All of it may be half written."""

    phone: str | None = Field(None, strict=True, max_length=40)
    email: str | None = Field(None, strict=True, max_length=320)
    customer_no: Word | None = None
    place: str | None = Field(None, strict=True, max_length=200)
    region: Region | None = None
    product: Word | None = None


def router(services: DeskServices) -> APIRouter:
    """The route."""
    api = APIRouter(prefix="/api/v1/complaints")

    @api.post("/similar")
    def similar(body: SimilarBody) -> dict[str, Any]:
        """Other complaints of this customer, and open events at this place. Posted: a telephone number is nothing for
        an address. What is half written finds nothing yet."""
        with services.database.read() as tx:
            region = body.region
            if region is None:
                with suppress(Refused):
                    region = place_of(tx, body.place or "")
            found = alike.of_customer(
                tx,
                phone=_whole(check_phone, body.phone),
                email=_whole(check_email, body.email),
                customer_no=body.customer_no,
                sight=sight(),
            )
            events = alike.events_at(tx, region or Region(), body.product)
            return {
                "place": spoken(region) if region else None,
                "complaints": [_complaint(services, each) for each in found],
                "events": [_event(services, tx, each) for each in events],
            }

    return api


def place_of(tx: Transaction, said: str) -> Region:
    """The place that somebody wrote in one field. Raises Refused: it is none, or there are several."""
    try:
        return read_place(said, alike.places(tx))
    except ValueError as error:
        zh = "有多个同名地点，请写明城市" if "several" in str(error) else "请按“省 市 分公司”填写"
        raise Refused(
            f"{zh}。 Please write province, city, branch; where the name is not enough, the city, too."
        ) from None


def _whole(check: Any, written: str | None) -> str | None:
    """In one spelling, or nothing as long as it is half written."""
    try:
        return str(check(written)) if written and written.strip() else None
    except ValueError:
        return None


def _complaint(services: DeskServices, complaint: Complaint) -> dict[str, Any]:
    """Nothing that somebody wrote, nobody's name: who registers has the customer on the telephone, not their file."""
    labels = services.labels
    return {
        "number": complaint.number,
        "status": complaint.status,
        "says": {
            "status": labels.zh(complaint.status),
            "product": labels.zh(complaint.product) if complaint.product else None,
            "category": labels.zh(complaint.category) if complaint.category else None,
        },
        "product": complaint.product,
        "category": complaint.category,
        "received_at": iso(complaint.received_at),
        "is_open": complaint.closed_at is None,
    }


def _event(services: DeskServices, tx: Transaction, event: MajorIncident) -> dict[str, Any]:
    labels = services.labels
    return {
        "number": event.number,
        "kind": event.kind,
        "status": event.status,
        "says": {"kind": labels.zh(event.kind), "status": labels.zh(event.status)},
        "place": spoken(incidents.region(event)),
        "product": event.product,
        "declared_at": iso(event.declared_at),
        "complaint_count": incidents.count(tx, event.number),
        "news": answers.newest(tx, event.number, _NEWS),
    }
