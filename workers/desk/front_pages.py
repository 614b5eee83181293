"""The front desk: find a customer's complaint, or register one (rules A1, F3, B10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from workers.desk.access import allowed_by
from workers.desk.caller import Actor, current, sight
from workers.desk.register_page import add_register_page
from workers.desk.services import DeskServices
from workers.store import search


def add_front_desk(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """Find, and register."""
    finds: Any = Depends(allowed_by(services.rights, "find-complaint"))

    @pages.get("/front-desk")
    def front_desk(who: Actor = finds) -> HTMLResponse:
        """One field to find by, one button to register."""
        return page("front-desk.html", who=who, wanted="", found=None)

    @pages.post("/front-desk", response_model=None)
    def complaints_found(wanted: Annotated[str, Form(max_length=200)] = "", who: Actor = finds) -> Response:
        """Posted: who somebody is, is nothing for an address. One complaint found by its number is opened at once."""
        wanted = wanted.strip()
        if not wanted:
            return RedirectResponse("/front-desk", 303)
        with services.database.read() as tx:
            found = search.find(tx, wanted, sight())
        current().person = who.name
        if len(found) == 1 and found[0]["number"] == wanted.upper():
            return RedirectResponse(f"/complaints/{found[0]['number']}", 303)
        return page("front-desk.html", who=who, wanted=wanted, found=[_line(each) for each in found])

    add_register_page(pages, services, page)


def _line(found: dict[str, Any]) -> dict[str, Any]:
    """A row of the list, with its instants."""
    closed = found["closed_at"]
    return found | {
        "received_at": datetime.fromisoformat(found["received_at"]),
        "closed_at": datetime.fromisoformat(closed) if closed else None,
    }
