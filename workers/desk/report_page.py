"""The page on which somebody of the staff reports a major event (rule E1)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from workers.cases.incident import KINDS
from workers.cases.intake_words import FLAGS
from workers.desk.access import signed_in
from workers.desk.caller import Actor, current
from workers.desk.events import report
from workers.desk.services import DeskServices
from workers.errors import Refused
from workers.names import Category

_WORDS: Final = ("policy", "kind", "text", "product", "category", "external_ref")
_COUNTS: Final = ("affected_users", "outage_minutes")
_PLACES: Final = ("province", "city", "branch")


def add_report_page(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The form and what it sends.

    Args:
        page: renders a template by name.
    """

    def form(
        who: Actor, given: Mapping[str, Any], status: int = 200, wrong: str | None = None
    ) -> HTMLResponse:
        choices = {"kinds": KINDS, "policies": sorted(services.policies), "flags": sorted(FLAGS)}
        categories = [each.value for each in Category]
        return page(
            "report.html", status, given=given, wrong=wrong, who=who, categories=categories, **choices
        )

    @pages.get("/events/report")
    def report_form(who: Annotated[Actor, Depends(signed_in)]) -> HTMLResponse:
        """An empty form, with the place where the person works."""
        place = {"province": who.region.province, "city": who.region.city, "branch": who.region.branch}
        return form(who, place | {"flags": [], "external_ref": f"page-{secrets.token_hex(8)}"})

    @pages.post("/events/report", response_model=None)
    async def report_event(request: Request, who: Annotated[Actor, Depends(signed_in)]) -> Response:
        """Keeps the report; sent twice, it is the same event."""
        sent = await request.form()
        given = {name: str(value) for name, value in sent.items() if name != "csrf"}
        try:
            told = read(sent) | {"as": who.name}
            number, _ = await run_in_threadpool(report, services, told)
        except Refused as error:
            again = {**given, "flags": sent.getlist("flags")}
            return await run_in_threadpool(form, who, again, 422, str(error))
        current().subject = number
        return RedirectResponse(f"/events/{number}", 303)


def read(sent: FormData) -> dict[str, Any]:
    """What a report has, from the fields of the form; an empty field is none.

    Raises:
        Refused: a figure is none.
    """
    told: dict[str, Any] = {name: _word(sent, name) for name in _WORDS if _word(sent, name)}
    for name in _COUNTS:
        given = _word(sent, name)
        if given and not (given.isascii() and given.isdigit() and len(given) <= 12):
            raise Refused(f"请填写整数。 A whole number, please: {name}.")
        if given:
            told[name] = int(given)
    place = {name: _word(sent, name) for name in _PLACES if _word(sent, name)}
    return told | {"region": place, "flags": [str(each) for each in sent.getlist("flags")]}


def _word(sent: FormData, name: str) -> str:
    given = sent.get(name, "")
    return given.strip() if isinstance(given, str) else ""
