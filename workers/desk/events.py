"""Events under /api/v1/events: report one, look, steer one (rules E1, E3, E6). The page does things by this, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from workers.cases.incident import parse_report
from workers.desk import etags, paging
from workers.desk.access import refuse_unseen
from workers.desk.bodies import Body, Words
from workers.desk.caller import sight
from workers.desk.etags import IfMatch, IfNoneMatch
from workers.desk.once import keep_with
from workers.desk.people import Actor, actor, refuse_beyond_token
from workers.desk.services import DeskServices
from workers.desk.steering import check_steering
from workers.names import SHANGHAI
from workers.notifications import event_news
from workers.store import incident_moves, incident_ties, incident_view, incidents
from workers.store.incident_moves import DOWN, UP, Move

LONGEST_REASON: Final = 500
"""Characters."""

Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
_Case = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]


_Reason = Annotated[Words, Field(max_length=LONGEST_REASON)]


class PersonBody(Body):
    """Who does it."""

    person: str = Field(alias="as", strict=True, max_length=200)


class MoveBody(PersonBody):
    """Who moves the event to another tier, why, and what they had seen: `round` as the event said it."""

    reason: _Reason | None = None
    round: int | None = Field(default=None, strict=True, ge=0)


class HandBackBody(MoveBody):
    """The same; who hands back says why (rule E3)."""

    reason: Annotated[_Reason, Field(min_length=1)]


class AttachBody(PersonBody):
    """Who ties which complaints to the event."""

    complaints: Annotated[list[_Case], Field(min_length=1, max_length=500)]


class DetachBody(PersonBody):
    """Who lets a complaint go, and why."""

    reason: _Reason | None = None


class NewsBody(PersonBody):
    """What the customers of an event are told, and by whom.

    `id` makes it the same telling when it is sent again; without one, the same text within a day is the same telling.
    """

    news: Words
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")] | None = None


def add_events(api: APIRouter, services: DeskServices) -> None:
    """The routes."""

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

    _add_steering(api, services)
    _add_news(api, services)


def _add_steering(api: APIRouter, services: DeskServices) -> None:
    unchanged = [Depends(_unless_changed(services))]

    @api.post("/events/{number}/complaints", dependencies=unchanged)
    def attach(number: Number, body: AttachBody) -> dict[str, Any]:
        """Ties complaints to the event."""
        total = attached(services, number, body.complaints, body.person)
        return {"number": number, "complaint_count": total}

    @api.post("/events/{number}/complaints/{complaint}/detachment", dependencies=unchanged)
    def detach(number: Number, complaint: Number, body: DetachBody) -> dict[str, Any]:
        """Lets a complaint go: it is handled by itself again."""
        total = let_go(services, number, complaint, body.person, body.reason)
        return {"number": number, "complaint": complaint, "complaint_count": total}

    @api.post("/events/{number}/raise", dependencies=unchanged)
    def raise_event(number: Number, body: MoveBody) -> dict[str, Any]:
        """Calls the next tier."""
        move(services, number, UP, body.person, body.reason, body.round)
        return {"number": number, "raise": "asked"}

    @api.post("/events/{number}/hand-back", dependencies=unchanged)
    def hand_back_event(number: Number, body: HandBackBody) -> dict[str, Any]:
        """Calls the lower tier again; for whoever has the event now."""
        move(services, number, DOWN, body.person, body.reason, body.round)
        return {"number": number, "hand_back": "asked"}


def _add_news(api: APIRouter, services: DeskServices) -> None:
    @api.post("/events/{number}/news/preview")
    def preview_news(number: Number, body: NewsBody) -> dict[str, Any]:
        """Who would be told what; nothing is written."""
        check_steering(services, number, body.person)
        found = rehearsal(services, number, body.news)
        shown = {
            channel: {"subject": each.subject, "body": each.body} for channel, each in found.shown.items()
        }
        return {
            "number": number,
            "complaints": found.complaints,
            "customers": found.by_channel,
            "unreachable": found.unreachable,
            "shown": shown,
        }

    @api.post("/events/{number}/news")
    def tell_customers(number: Number, body: NewsBody) -> dict[str, Any]:
        """Tells every customer whose complaint waits for the event, once."""
        who = check_steering(services, number, body.person)
        text = event_news.checked(services.wording, body.news)
        occasion = body.id or _same_day(text, services.clock.now())
        return {"number": number, "told": told(services, number, text, who, occasion)}


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


def move(
    services: DeskServices, number: str, way: Move, person: str, reason: str | None, seen: int | None
) -> None:
    """Moves the event to another tier in the name of somebody who may.

    Raises:
        NotFound, Refused, Forbidden: see check_steering; words that are not written. Conflict: see incident_moves.ask.
    """
    who = check_steering(services, number, person, hand_back=way is DOWN)
    services.wording.check([("理由（reason）", "note", reason or "")])
    incident_moves.ask(
        services.database,
        services.clock,
        number,
        way,
        who=who.name,
        reason=reason,
        seen=seen,
        wake=services.wake_relay,
    )


def attached(services: DeskServices, number: str, complaints: Sequence[str], person: str) -> int:
    """Ties complaints that the person may see, if they steer the event; see incident_ties.attach_by_hand."""
    who = check_steering(services, number, person)
    with services.database.read() as tx:
        for each in complaints:
            refuse_unseen(tx, each)
    return incident_ties.attach_by_hand(
        services.database, services.clock, number, complaints, who=who.name, wake=services.wake_relay
    )


def let_go(services: DeskServices, number: str, complaint: str, person: str, reason: str | None) -> int:
    """Lets a complaint go in the name of somebody who may; see incident_ties.detach_by_hand."""
    who = check_steering(services, number, person)
    services.wording.check([("理由（reason）", "note", reason or "")])
    return incident_ties.detach_by_hand(
        services.database,
        services.clock,
        number,
        complaint,
        who=who.name,
        reason=reason,
        wake=services.wake_relay,
    )


def rehearsal(services: DeskServices, number: str, news: str) -> event_news.Rehearsal:
    """Who would be told what. Raises Refused for words that are not said to customers; see event_news."""
    text = event_news.checked(services.wording, news)
    with services.database.begin() as tx:  # a complaint of old may get the key of its page now
        return event_news.rehearse(tx, services.messenger, number, text, services.clock.now())


def told(
    services: DeskServices, number: str, text: str, who: Actor, occasion: str, seen: int | None = None
) -> int:
    """Tells the customers; returns how many messages were written. See event_news.tell."""
    with services.database.begin() as tx:
        now = services.clock.now()
        return event_news.tell(
            tx, services.messenger, number, text, now, who=who.name, occasion=occasion, seen=seen
        )


def _same_day(text: str, now: datetime) -> str:
    return f"{now.astimezone(SHANGHAI):%Y%m%d}-{sha256(text.encode()).hexdigest()[:24]}"
