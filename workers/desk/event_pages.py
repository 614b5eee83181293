"""The pages of major events: the list, and the room of one. What somebody wrote is only for those who steer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse

from workers.desk.caller import me, sight
from workers.desk.event_actions import add_event_actions
from workers.desk.event_room import Asked, view
from workers.desk.report_page import add_report_page
from workers.desk.services import DeskServices
from workers.errors import NotFound
from workers.store import incident_list, staff
from workers.store.incident_list import Wanted
from workers.store.incident_room import MOST, SHOWN
from workers.store.incident_tables import MajorIncident
from workers.store.overview import urgency

Page = Callable[..., HTMLResponse]
_Number = Annotated[str, Path(max_length=64)]
_TIERS: Final = ("branch", "city", "province")
_Word = Annotated[str, Query(max_length=64)]


def add_event_pages(pages: APIRouter, services: DeskServices, page: Page) -> None:
    """The routes.

    Args:
        page: renders a template by name.
    """

    @pages.get("/events")
    def events(
        show: Literal["open", "all"] = "open",
        tier: Literal["", "branch", "city", "province"] = "",
        place: _Word = "",
        after: _Word = "",
    ) -> HTMLResponse:
        wanted = Wanted(tier or None, place.strip() or None, show == "open", after or None)
        return page("events.html", **_listed(services, wanted))

    add_report_page(pages, services, page)

    def show_room(number: str, asked: Asked, status: int = 200, *, limit: int = SHOWN) -> HTMLResponse:
        signed_in = me()
        with services.database.read() as tx:
            shown = view(services, tx, number, signed_in.actor if signed_in else None, asked, limit=limit)
            return page("event.html", status, **shown)

    @pages.get("/events/{number}")
    def event(number: _Number, complaints: Literal["", "all"] = "") -> HTMLResponse:
        if not number.isascii() or not number.isprintable():
            raise NotFound(f"There is no event {number[:40]!a}.")
        return show_room(number, Asked(), limit=MOST if complaints else SHOWN)

    add_event_actions(pages, services, show_room)


def _listed(services: DeskServices, wanted: Wanted) -> dict[str, Any]:
    now, seen = services.clock.now(), sight().shows(MajorIncident)
    with services.database.read() as tx:
        found, more = incident_list.listed(tx, wanted, seen)
        places = incident_list.places(tx, seen)
        people = staff.names(tx, {each.incident.owner_person for each in found})
    due = {
        each.incident.number: urgency(each.due.created_at, each.due.due_at, now) for each in found if each.due
    }
    chosen = {
        "show": "open" if wanted.is_open else "all",
        "tier": wanted.tier or "",
        "place": wanted.place or "",
    }
    shown = {"lines": found, "due": due, "places": places, "tiers": _TIERS, "people": people}
    return shown | {"chosen": chosen, "more": more, "is_first": wanted.after is None}
