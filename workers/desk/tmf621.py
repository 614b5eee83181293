"""Complaints as TM Forum trouble tickets (TMF621 v5) under /api/v1/tmf621: the same services in other words."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from workers.cases import trouble_ticket
from workers.cases.complaint import check
from workers.cases.trouble_ticket import BASE, STATUS, TicketChange, TicketNote
from workers.desk import case_notes, etags
from workers.desk.caller import current, sight
from workers.desk.etags import IfMatch, IfNoneMatch
from workers.desk.once import OnceRoute, keep_with
from workers.desk.people import actor, refuse_beyond_token
from workers.desk.services import DeskServices
from workers.errors import Forbidden, Refused
from workers.store import case_view, cases, complaint_lines, complaints, intake, notes, requests
from workers.store.complaint_lines import Wanted
from workers.store.outbox import Transaction

Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
Fields = Annotated[
    str | None,
    Query(
        max_length=500, pattern=r"^[@A-Za-z0-9.,_-]*$", description="Only these attributes, comma-separated."
    ),
]
TicketStatus = Literal[
    "acknowledged", "rejected", "pending", "held", "inProgress", "cancelled", "closed", "resolved"
]
_LONGEST: Final = 200


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(route_class=OnceRoute)
    _add_looking(api, services)
    _add_changing(api, services)
    return api


def _add_looking(api: APIRouter, services: DeskServices) -> None:
    @api.get(BASE)
    def tickets(
        fields: Fields = None,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=_LONGEST)] = 50,
        status: TicketStatus | None = None,
    ) -> JSONResponse:
        """Tickets, newest first; 206 where there are more than these."""
        wanted = Wanted(any_of=tuple(ours for ours, theirs in STATUS.items() if theirs == status))
        with services.database.read() as tx:
            lines, total = (
                ([], 0) if status is not None and not wanted.any_of else _lines(tx, wanted, offset, limit)
            )
        found = [trouble_ticket.only(trouble_ticket.ticket_of(each), _names(fields)) for each in lines]
        headers = {"X-Total-Count": str(total), "X-Result-Count": str(len(found))}
        return JSONResponse(found, 200 if len(found) == total else 206, headers)

    @api.get(f"{BASE}/{{number}}")
    def ticket(
        request: Request, number: Number, fields: Fields = None, if_none_match: IfNoneMatch = None
    ) -> Response:
        """One ticket."""
        return etags.tagged(request, trouble_ticket.only(_whole(services, number), _names(fields)))


def _add_changing(api: APIRouter, services: DeskServices) -> None:
    def unchanged(number: Number, if_match: IfMatch = None) -> None:
        if if_match is not None:
            etags.check(if_match, _whole(services, number))

    @api.post(BASE)
    async def create(request: Request) -> Response:
        """A new ticket: a complaint is registered. 201; 200 when its externalIdentifier had come in before."""
        return await run_in_threadpool(_create, services, await request.body())

    @api.patch(f"{BASE}/{{number}}", dependencies=[Depends(unchanged)])
    async def change(request: Request, number: Number) -> Response:
        """`status` cancelled withdraws the complaint; `note` adds notes. Nothing else can be changed from outside."""
        return await run_in_threadpool(_change, services, number, await request.body())


def _lines(tx: Transaction, wanted: Wanted, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    return complaint_lines.numbered(tx, wanted, sight(), offset=offset, limit=limit)


def _create(services: DeskServices, raw: bytes) -> Response:
    ticket = trouble_ticket.parsed(_document(raw))
    told = trouble_ticket.complaint_of(ticket, policies=services.policies)
    line = check(told, policies=services.policies, now=services.clock.now())
    refuse_beyond_token(line.region)

    def keep(tx: Transaction, accepted: intake.Accepted) -> None:
        keep_with(tx, _told(tx, services, accepted))

    accepted = intake.accept(services.database, services.clock, line, services.wake_relay, also=keep)
    with services.database.read() as tx:
        return _told(tx, services, accepted)


def _told(tx: Transaction, services: DeskServices, accepted: intake.Accepted) -> JSONResponse:
    found = _shown(tx, services, accepted.number)
    return JSONResponse(found, 201 if accepted.is_new else 200, {"Location": found["href"]})


def _change(services: DeskServices, number: str, raw: bytes) -> Response:
    wanted = trouble_ticket.parsed_change(_document(raw))
    _check(wanted)
    if wanted.status is not None:
        reason = wanted.status_change_reason
        requests.withdraw(services.database, services.clock, number, reason=reason, wake=services.wake_relay)
    else:
        with services.database.begin() as tx:
            _add_notes(tx, services, number, wanted.note)
            answer = JSONResponse(_shown(tx, services, number))
            keep_with(tx, answer)
            return answer
    return JSONResponse(_whole(services, number))


def _check(wanted: TicketChange) -> None:
    if (wanted.status is None) == (not wanted.note):
        raise Refused("每次只能撤诉或加备注。 Either `status` or `note` is changed, one at a time.")
    if wanted.status not in {None, "cancelled"}:
        raise Refused(
            "status 只能改为 cancelled。 status: only `cancelled` can be asked for; the process sets the rest."
        )
    if wanted.status is None and wanted.status_change_reason is not None:
        raise Refused("statusChangeReason 须与 status 一起。 statusChangeReason comes with a status.")


def _add_notes(tx: Transaction, services: DeskServices, number: str, wanted: list[TicketNote]) -> None:
    services.wording.check([("备注（note.text）", "note", each.text) for each in wanted])
    case = cases.get(tx, number)
    complaints.get(tx, number)
    for each in wanted:
        who = actor(tx, each.author or "", is_sample_staff=services.is_sample_staff)
        if not case_notes.may_write(services, tx, who, case):
            raise Forbidden(
                f"{who.name} 不办理此件。 {who.name} does not work on {number} and serves no customers."
            )
        now = services.clock.now()
        notes.add(tx, number, each.text, author=who.name, is_of_customer=False, at=now)


def _whole(services: DeskServices, number: str) -> dict[str, Any]:
    with services.database.read() as tx:
        return _shown(tx, services, number)


def _shown(tx: Transaction, services: DeskServices, number: str) -> dict[str, Any]:
    complaints.look(tx, number)  # an event is no ticket
    case = case_view.show(tx, number, services.timeline_words)
    written = (
        [case_notes.shown(each) for each in notes.of(tx, number)] if _may_read(services, tx, number) else None
    )
    return trouble_ticket.whole_ticket_of(case, written)


def _may_read(services: DeskServices, tx: Transaction, number: str) -> bool:
    """Whether the caller may read what people wrote."""
    caller = current()
    if caller.token is not None and "evidence:read" not in caller.token.scopes:
        return False
    who = caller.actor
    return who is None or case_notes.may_read(services, tx, who, cases.get(tx, number))


def _names(fields: str | None) -> list[str]:
    return [each for each in (fields or "").split(",") if each]


def _document(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("工单须为 JSON 对象。 A ticket is one JSON object.") from None
