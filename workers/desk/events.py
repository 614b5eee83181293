"""Events under /api/v1/events: report one, look, tie complaints to one, call the next tier (rules E1, E3, E6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from workers.cases.incident import parse_report
from workers.cases.region import is_within
from workers.desk import etags, paging
from workers.desk.caller import sight
from workers.desk.etags import IfMatch, IfNoneMatch
from workers.desk.once import keep_with
from workers.desk.people import Actor, actor, refuse_beyond_token
from workers.desk.services import DeskServices
from workers.errors import Forbidden
from workers.store import incident_view, incidents
from workers.store.outbox import Transaction

_STEERING: Final = frozenset(
    {"customer-service", "complaint-group", "branch-management", "city-management", "province-management"}
)
"""Groups that tie complaints to events and call the next tier."""

Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
_Case = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class RaiseBody(BaseModel):
    """Who calls the next tier."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(alias="as", strict=True, max_length=200)


class AttachBody(RaiseBody):
    """Who ties which complaints to the event."""

    complaints: Annotated[list[_Case], Field(min_length=1, max_length=500)]


def add_events(api: APIRouter, services: DeskServices) -> None:
    """The routes."""
    unchanged = [Depends(_unless_changed(services))]

    @api.post("/events")
    async def report_event(request: Request) -> JSONResponse:
        """A report as JSON, with `as`; 201 when it is new, 200 when it had come in before."""
        raw = await request.body()
        number, is_new = await run_in_threadpool(report, services, raw)
        return _told(number, is_new=is_new)

    @api.get("/events")
    def events(
        request: Request,
        all: bool = False,
        limit: paging.Limit = paging.USUAL,
        cursor: paging.Cursor = None,
    ) -> JSONResponse:
        """Events that are open, or all; the newest first."""
        with services.database.read() as tx:
            found = incidents.page(
                tx, only_running=not all, limit=limit + 1, after=paging.read(cursor), sight=sight()
            )
            lines = [incident_view.line(tx, each) for each in found[:limit]]
        last = found[limit - 1] if len(found) > limit else None
        return paging.page(request, lines, (last.declared_at, last.number) if last else None)

    @api.get("/events/{number}")
    def event(request: Request, number: Number, if_none_match: IfNoneMatch = None) -> Response:
        """The whole event."""
        return etags.tagged(request, _shown(services, number))

    @api.post("/events/{number}/complaints", dependencies=unchanged)
    def attach(number: Number, body: AttachBody) -> dict[str, Any]:
        """Ties complaints to the event."""
        who = _steering(services, number, body.person)
        total = incidents.attach_by_hand(
            services.database, services.clock, number, body.complaints, who=who, wake=services.wake_relay
        )
        return {"number": number, "complaint_count": total}

    @api.post("/events/{number}/raise", dependencies=unchanged)
    def raise_event(number: Number, body: RaiseBody) -> dict[str, Any]:
        """Calls the next tier."""
        who = _steering(services, number, body.person)
        incidents.raise_by_hand(services.database, services.clock, number, who=who, wake=services.wake_relay)
        return {"number": number, "raise": "asked"}


def report(services: DeskServices, raw: object) -> tuple[str, bool]:
    """Keeps a report of an event by somebody of the staff; see incidents.report.

    Args:
        raw: a JSON object, or its text: `as` and the fields of EventReport.
    """
    told, person = parse_report(raw, policies=services.policies)
    services.wording.check([("情况（text）", "note", told.text or "")])
    with services.database.read() as tx:
        who = actor(tx, person, is_sample_staff=services.is_sample_staff)
    refuse_beyond_token(told.region)
    return incidents.report(
        services.database,
        services.clock,
        told,
        who=who.name,
        wake=services.wake_relay,
        also=lambda tx, number: keep_with(tx, _told(number, is_new=True)),
    )


def _told(number: str, *, is_new: bool) -> JSONResponse:
    place = {"Location": f"/api/v1/events/{number}"}
    return JSONResponse({"number": number}, 201 if is_new else 200, place)


def _shown(services: DeskServices, number: str) -> dict[str, Any]:
    with services.database.read() as tx:
        return incident_view.show(tx, number, services.timeline_words)


def _unless_changed(services: DeskServices) -> Callable[..., None]:
    """FastAPI dependency: refuses with 412 what was decided by an older look at the event."""

    def check(number: Number, if_match: IfMatch = None) -> None:
        if if_match is not None:
            etags.check(if_match, _shown(services, number))

    return check


def _steering(services: DeskServices, number: str, person: str) -> str:
    with services.database.read() as tx:
        who = actor(tx, person, is_sample_staff=services.is_sample_staff)
        refusal = _refuses(tx, who, number)
    if refusal:
        raise Forbidden(refusal)
    return who.name


def _refuses(tx: Transaction, who: Actor, number: str) -> str | None:
    """Why this person may not steer the event; None when they may."""
    incident = incidents.get(tx, number)
    if who.groups is None or who.name == incident.owner_person:
        return None
    if not who.groups & _STEERING:
        return f"{who.name} may not do this: it is for {', '.join(sorted(_STEERING))}"
    if not is_within(incidents.region(incident), who.region):
        return f"{who.name} may not do this: the event belongs to another region"
    return None
