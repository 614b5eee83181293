"""Alerts for people with the right `operate`: what was told to whom, what is not over, a test, resending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from workers.desk.access import allowed_by
from workers.desk.bodies import Body
from workers.desk.caller import Actor, current
from workers.desk.once import OnceRoute
from workers.desk.operating import Operating, way
from workers.desk.operations_api import Person, who_operates
from workers.desk.operations_pages import Shown
from workers.desk.services import DeskServices
from workers.desk.words import iso
from workers.errors import Conflict
from workers.notifications.alert_lines import as_json, lines
from workers.store import alert_view, alerts, audit
from workers.store.outbox import Transaction


class TestBody(Body):
    """Who asks for a test alert."""

    person: Person = None


def add_alerts(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The page. `page` renders a template by name."""
    operator = allowed_by(services.rights, "operate")
    show = Shown(services, page)

    def read(tx: Transaction) -> Mapping[str, Any]:
        open_lines = [asdict(each) | {"since": iso(each.since)} for each in lines(alerts.still_open(tx))]
        return {"found": view(tx, None), "lines": open_lines}

    def shown(
        status: int = 200, *, tested: bool = False, resent: bool = False, wrong: str | None = None
    ) -> HTMLResponse:
        told = {"tested": tested, "resent": resent, "wrong": wrong}
        return show("operations/alerts.html", "alerts", read, status, **told)

    @pages.get("/operations/alerts")
    def told(
        tested: Annotated[bool, Query()] = False,
        resent: Annotated[bool, Query()] = False,
        _who: Actor = Depends(operator),
    ) -> HTMLResponse:
        """The last alerts, and what is not over."""
        return shown(tested=tested, resent=resent)

    @pages.post("/operations/alerts/test")
    def ask_test(who: Actor = Depends(operator)) -> Response:
        """A test alert to everybody who gets alerts."""
        try:
            test(services, who.name)
        except Conflict as error:
            return shown(409, wrong=str(error))
        return RedirectResponse("/operations/alerts?tested=true", 303)

    @pages.post("/operations/alerts/resend")
    def resend(
        id_: Annotated[int, Form(alias="id", ge=1, le=2**62)], who: Actor = Depends(operator)
    ) -> Response:
        """An alert that was given up is sent again."""
        Operating(services).resend(id_, who.name)
        return RedirectResponse("/operations/alerts?resent=true", 303)


def router(services: DeskServices) -> APIRouter:
    """The calls."""
    api = APIRouter(prefix="/api/v1", route_class=OnceRoute)

    @api.get("/alerts")
    def told() -> dict[str, Any]:
        """Whether alerts are on, what is not over, and the last alerts with what became of their messages."""
        with services.database.read() as tx:
            return view(tx, services.signing_in.public_url)

    @api.post("/alerts/test", status_code=202)
    def ask_test(body: TestBody | None = None) -> dict[str, Any]:
        """Has a test alert sent to everybody who gets alerts; `GET /alerts` tells whether it arrived."""
        test(services, who_operates(services, (body or TestBody()).person))
        return {"state": "asked"}

    return api


def test(services: DeskServices, who: str | None) -> None:
    """Asks for a test alert. Raises Conflict: nobody sends alerts."""
    with services.database.begin() as tx:
        now = services.clock.now()
        alert_view.ask_test(tx, now)
        audit.add(tx, now, who, "alert-test-asked", None, way=way())
    current().is_noted = True


def view(tx: Transaction, base: str | None) -> dict[str, Any]:
    """What page, API and command show; times as text.

    Args:
        base: address of this service, for links in the lines.
    """
    watch = alert_view.watch(tx)
    return {
        "watch": watch | {"looked_at": iso(watch["looked_at"])},
        "open": [
            line | {"page": each.page}
            for each in lines(alerts.still_open(tx))
            for line in as_json([each], base.rstrip("/") if base else None)
        ],
        "alerts": [
            each
            | {
                "written_at": iso(each["written_at"]),
                "messages": [
                    one | {"sent_at": iso(one["sent_at"]), "next_attempt_at": iso(one["next_attempt_at"])}
                    for one in each["messages"]
                ],
            }
            for each in alert_view.recent(tx)
        ],
    }
