"""Complaints under /api/v1: register, look, list, and what customers ask (docs/api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field
from starlette.concurrency import run_in_threadpool

from workers.cases.complaint import parse_line
from workers.desk import etags, paging
from workers.desk.bodies import Body, Words
from workers.desk.caller import sight
from workers.desk.etags import IfMatch, IfNoneMatch
from workers.desk.once import keep_with
from workers.desk.people import actor, refuse_beyond_token, refuse_outsider
from workers.desk.services import DeskServices
from workers.names import Category, Status
from workers.store import case_view, complaint_lines, extensions, intake, requests
from workers.store.complaint_lines import Wanted
from workers.store.outbox import Transaction

Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
_Status = Status | Literal["open"]
Filter = Annotated[str | None, Query(max_length=64)]


class WithdrawalBody(Body):
    """Why the customer takes the complaint back."""

    reason: Words | None = None


class ExtensionBody(Body):
    """Who needs more time, and why (rule C6)."""

    person: str = Field(alias="as", strict=True, max_length=200)
    reason: Annotated[Words, Field(min_length=1)]


class AppealBody(Body):
    """Why the customer does not accept the result."""

    reason: Annotated[Words, Field(min_length=1)]


class SurveyBody(Body):
    """What the customer answers to the survey."""

    satisfaction: Literal["satisfied", "dissatisfied"]
    is_solved: bool = Field(strict=True)
    comment: Words | None = None


def add_complaints(api: APIRouter, services: DeskServices) -> None:
    """The routes."""
    _add_intake(api, services)
    _add_requests(api, services)
    _add_answers(api, services)


def _add_intake(api: APIRouter, services: DeskServices) -> None:
    @api.post("/complaints")
    async def submit(request: Request) -> JSONResponse:
        """One complaint as JSON; 201 when it is new, 200 when it had come in before."""
        raw = await request.body()
        return await run_in_threadpool(_accept, services, raw)

    @api.get("/complaints")
    def listed(
        request: Request,
        wanted: Annotated[Wanted, Depends(_wanted)],
        limit: paging.Limit = paging.USUAL,
        cursor: paging.Cursor = None,
    ) -> JSONResponse:
        """Complaints, newest first, a page at a time, without anything of the customer."""
        with services.database.read() as tx:
            found, after = complaint_lines.page(tx, wanted, sight(), after=paging.read(cursor), limit=limit)
        return paging.page(request, found, after)

    @api.get("/complaints/{number}")
    def show(request: Request, number: Number, if_none_match: IfNoneMatch = None) -> Response:
        """The whole case."""
        return etags.tagged(request, shown(services, number))


def _add_requests(api: APIRouter, services: DeskServices) -> None:
    unchanged = [Depends(unless_changed(services))]

    @api.post("/complaints/{number}/withdrawal", dependencies=unchanged)
    def withdraw(number: Number, body: WithdrawalBody) -> dict[str, Any]:
        """The customer takes the complaint back."""
        requests.withdraw(
            services.database, services.clock, number, reason=body.reason, wake=services.wake_relay
        )
        return {"number": number, "withdrawal": "asked"}

    @api.post("/complaints/{number}/extension", dependencies=unchanged)
    def extend(number: Number, body: ExtensionBody) -> dict[str, Any]:
        """Somebody who works on the complaint asks for more time."""
        with services.database.read() as tx:
            who = actor(tx, body.person, is_sample_staff=services.is_sample_staff)
        services.wording.check([("理由（reason）", "answer", body.reason)])
        extensions.ask(
            services.database,
            services.clock,
            number,
            who=who.name,
            reason=body.reason,
            may=lambda complaint: refuse_outsider(who, complaint),
            wake=services.wake_relay,
        )
        return {"number": number, "extension": "asked"}


def _add_answers(api: APIRouter, services: DeskServices) -> None:
    unchanged = [Depends(unless_changed(services))]

    @api.post("/complaints/{number}/survey", dependencies=unchanged)
    def survey(number: Number, body: SurveyBody) -> dict[str, Any]:
        """The customer answers the survey."""
        answer = {"satisfaction": body.satisfaction, "is_solved": body.is_solved}
        requests.answer_survey(
            services.database,
            services.clock,
            number,
            satisfaction=body.satisfaction,
            is_solved=body.is_solved,
            comment=body.comment,
            wake=services.wake_relay,
        )
        return {"number": number, **answer}

    @api.post("/complaints/{number}/appeal", dependencies=unchanged)
    def appeal(number: Number, body: AppealBody) -> dict[str, Any]:
        """The customer appeals against the result of a closed complaint."""
        filed = requests.file_appeal(
            services.database,
            services.clock,
            number,
            body.reason,
            windows=services.appeal_windows,
            wake=services.wake_relay,
        )
        return {"number": number, "appeal": filed}


def shown(services: DeskServices, number: str) -> dict[str, Any]:
    """The whole case as it is now, masked. Raises NotFound."""
    with services.database.read() as tx:
        return case_view.show(tx, number, services.timeline_words, now=services.clock.now())


def unless_changed(services: DeskServices) -> Callable[..., None]:
    """FastAPI dependency of writes to a complaint: refuses with 412 what was decided by an older look at it.

    It looks right before the write. Two who write at the same instant still take turns, by the row of the complaint and
    the rules of each write.
    """

    def check(number: Number, if_match: IfMatch = None) -> None:
        if if_match is not None:
            etags.check(if_match, shown(services, number))

    return check


def _wanted(
    status: Annotated[_Status | None, Query()] = None,
    category: Annotated[Category | None, Query()] = None,
    province: Filter = None,
    city: Filter = None,
    branch: Filter = None,
    group: Filter = None,
    person: Filter = None,
    due_before: Annotated[AwareDatetime | None, Query()] = None,
) -> Wanted:
    """What to list; `due_before`: complaints with a deadline, not met yet, before this instant."""
    return Wanted(status, category, province, city, branch, group, person, due_before)


def _accept(services: DeskServices, raw: bytes) -> JSONResponse:
    line = parse_line(raw, policies=services.policies, now=services.clock.now())
    refuse_beyond_token(line.region)
    accepted = intake.accept(services.database, services.clock, line, services.wake_relay, also=_keep_answer)
    return _told(accepted)


def _keep_answer(tx: Transaction, accepted: intake.Accepted) -> None:
    keep_with(tx, _told(accepted))


def _told(accepted: intake.Accepted) -> JSONResponse:
    place = {"Location": f"/api/v1/complaints/{accepted.number}"}
    return JSONResponse({"number": accepted.number}, 201 if accepted.is_new else 200, place)
