"""The pages of major events: the open ones, and one by itself. Nothing that somebody wrote: every group sees them."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from workers.desk.report_page import add_report_page
from workers.desk.services import DeskServices
from workers.errors import NotFound
from workers.store import incident_view, incidents, staff

Page = Callable[..., HTMLResponse]


def add_event_pages(pages: APIRouter, services: DeskServices, page: Page) -> None:
    """The routes.

    Args:
        page: renders a template by name.
    """

    @pages.get("/events")
    def events() -> HTMLResponse:
        with services.database.read() as tx:
            found = [incident_view.line(tx, each) for each in incidents.page(tx, only_running=True)]
        return page("events.html", events=found)

    add_report_page(pages, services, page)

    @pages.get("/events/{number}")
    def event(number: str) -> HTMLResponse:
        if not number.isascii() or not number.isprintable():
            raise NotFound(f"There is no event {number[:40]!a}.")
        with services.database.read() as tx:
            found = incident_view.show(tx, number, services.timeline_words)
            who = {found["owner"]["person"], *(each["who"] for each in found["timeline"])}
            people = staff.names(tx, who)
        return page("event.html", event=found, people=people)
