"""The overview: what managers look at and hand upwards. Reading is bound to the region of who looks (Sight).

Two parts: how things stand now, counted anew at each request; and the figures of a period, which are dear: the page
asks for them when it is there, and they are kept for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, Response

from workers.desk import downloads
from workers.desk.caller import sight
from workers.desk.kept import Kept
from workers.desk.looking import PERIOD_WORDS, Looking, looking_at
from workers.desk.overview_sheets import LEVELS, ROWS, Words, measures, now_sheets, period_sheets
from workers.desk.picture import draw
from workers.desk.services import DeskServices
from workers.desk.sheets import Sheet, shown
from workers.errors import NotFound
from workers.store import overview, record_queries, staff

_STUCK_SHOWN: Final = 8
_FIRST_SHOWN: Final = 8

Page = Callable[..., HTMLResponse]


@dataclass(frozen=True)
class Report:
    """Everything that is handed upwards."""

    look: Looking
    view: overview.Overview
    figures: dict[str, Any]
    sheets: list[Sheet]


class Overviews:
    """Makes what the pages and the downloads show."""

    def __init__(self, services: DeskServices) -> None:
        self._services = services
        self._kept: Kept[dict[str, Any]] = Kept()

    def now(
        self, look: Looking, *, is_whole: bool = False
    ) -> tuple[overview.Overview, list[Sheet], dict[str, str]]:
        """How things stand, the tables of it (see `now_sheets`), and what people are called."""
        now = self._services.clock.now()
        with self._services.database.read() as tx:
            view = overview.overview(tx, now, look.part, sight(), first=_FIRST_SHOWN)
            owners = view.owners if is_whole else view.owners[:ROWS]
            people = staff.names(
                tx, {*(each.key for each in owners), *(each.owner_person for each in view.first)}
            )
        found = {"places": view.places, "groups": view.groups, "owners": view.owners}
        words = Words(self._services.labels, people)
        return view, now_sheets(look, found, words, is_whole=is_whole), people

    def figures(self, look: Looking) -> dict[str, Any]:
        """The figures of the period, perhaps of some seconds ago (`made_at`)."""
        seen = sight()
        who = seen.bound
        asked = (look.asked, look.step, who.region if who else None)

        def make() -> dict[str, Any]:
            with self._services.database.read() as tx:
                now = self._services.clock.now()
                return self._services.figures.overview(tx, look.asked, look.step, now, seen)

        return self._kept.get(asked, make)

    def period(self, look: Looking, *, is_whole: bool = False) -> tuple[dict[str, Any], list[Sheet]]:
        """The figures of the period, and the tables of it (see `period_sheets`)."""
        found = self.figures(look)
        with self._services.database.read() as tx:
            people = staff.names(tx, {row["owner"] for row in found["owners"]})
        words = Words(self._services.labels, people)
        return found, period_sheets(look, found, words, is_whole=is_whole)

    def report(self, look: Looking) -> Report:
        """Both together, with every row."""
        view, sheets, _ = self.now(look, is_whole=True)
        found, more = self.period(look, is_whole=True)
        return Report(look, view, found, [*sheets, *more])


def add_overview(pages: APIRouter, services: DeskServices, page: Page) -> None:
    """The pages and what can be taken from them."""
    overviews = Overviews(services)

    def looking(
        province: Annotated[str, Query(max_length=64)] = "",
        city: Annotated[str, Query(max_length=64)] = "",
        branch: Annotated[str, Query(max_length=64)] = "",
        period: Annotated[str, Query(max_length=16)] = "",
        first: Annotated[str, Query(alias="from", max_length=10)] = "",
        last: Annotated[str, Query(alias="to", max_length=10)] = "",
    ) -> Looking:
        return looking_at(services.clock.now(), province, city, branch, period, first, last)

    asked = Depends(looking)

    @pages.get("/")
    def first_page(look: Looking = asked) -> HTMLResponse:
        """How things stand; the figures of the period come after it."""
        view, sheets, people = overviews.now(look)
        with services.database.read() as tx:
            stuck = record_queries.open_incidents(tx)[:_STUCK_SHOWN]
        return page(
            "overview.html",
            **_frame(services, look),
            view=view,
            sheets=sheets,
            people=people,
            stuck=[{"number": each.number, "name": each.name, "since": each.created_at} for each in stuck],
        )

    @pages.get("/overview/period")
    def period_page(look: Looking = asked) -> HTMLResponse:
        """The figures of the period, as a page of its own: the first page takes its middle."""
        found, sheets = overviews.period(look)
        return page("overview-period.html", **_frame(services, look), **_period_view(look, found, sheets))

    @pages.get("/overview.xlsx")
    def workbook(look: Looking = asked) -> Response:
        """Every table as a workbook."""
        report = overviews.report(look)
        facts = downloads.facts(services.house, look, services.clock.now())
        return downloads.xlsx(report.sheets, facts, look)

    @pages.get("/overview.csv")
    def lines(table: Annotated[str, Query(max_length=32)], look: Looking = asked) -> Response:
        """One table as CSV."""
        is_now = table.startswith("now-")
        sheets = overviews.now(look, is_whole=True)[1] if is_now else overviews.period(look, is_whole=True)[1]
        wanted = next((sheet for sheet in sheets if sheet.name == table), None)
        if wanted is None:
            raise NotFound("没有这张表，或其中没有数据。 There is no such table, or nothing is in it.")
        return downloads.csv(wanted, look)

    @pages.get("/overview.png")
    def picture(look: Looking = asked) -> Response:
        """One picture of what matters."""
        return downloads.png(draw(_picture(services, look, overviews)), look)


def _frame(services: DeskServices, look: Looking) -> dict[str, Any]:
    return {
        "look": look,
        "house": services.house,
        "levels": LEVELS,
        "periods": PERIOD_WORDS,
        "shown_cell": shown,
    }


def _period_view(look: Looking, found: dict[str, Any], sheets: list[Sheet]) -> dict[str, Any]:
    total = found["total"][0] if found["total"] else None
    by_name = {sheet.name: sheet for sheet in sheets}
    return {
        "total": total,
        "cells": measures(total, look.cases) if total else [],
        "trend": by_name.pop("trend", None),
        "sheets": list(by_name.values()),
        "notes": found["notes"],
        "made_at": found["made_at"],
    }


def _picture(services: DeskServices, look: Looking, overviews: Overviews) -> dict[str, Any]:
    report = overviews.report(look)
    view = _period_view(look, report.figures, report.sheets)
    return {**_frame(services, look), **view, "view": report.view, "now": services.clock.now()}
