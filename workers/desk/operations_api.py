"""The API of operations, for those with the right `operate`: stuck work, outbox, timers, versions, heat, workers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from workers.desk import operations_view as view
from workers.desk import paging
from workers.desk.bodies import Body
from workers.desk.caller import in_whose_name
from workers.desk.once import OnceRoute
from workers.desk.operating import Operating
from workers.desk.people import actor
from workers.desk.services import DeskServices
from workers.errors import Refused
from workers.store import stuck
from workers.store.outbox_view import State

Key = Annotated[str, Path(pattern=r"^[0-9]{1,19}$")]
Cause = Annotated[str, Field(alias="cause_id", strict=True, pattern=r"^[0-9a-f]{12}$")]
Person = Annotated[str | None, Field(alias="as", strict=True, max_length=200)]
CaseNumber = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class RetryBody(Body):
    """Who tries stuck work again, and the variables that are changed before."""

    person: Person = None
    variables: dict[str, Any] = Field(default_factory=dict)


class RetryManyBody(Body):
    """Who tries again what is stuck by one cause."""

    person: Person = None
    cause: Cause


class ResendBody(Body):
    """Who sends dead letters again: one, those of a channel, those of one reason, all."""

    person: Person = None
    id_: int | None = Field(default=None, alias="id", strict=True, ge=1, le=2**62)
    channel: str | None = Field(default=None, strict=True, max_length=16)
    error: str | None = Field(default=None, strict=True, max_length=500)


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1", route_class=OnceRoute)
    _add_stuck(api, services, Operating(services))
    _add_outbox(api, services, Operating(services))
    _add_views(api, services)
    return api


def _add_stuck(api: APIRouter, services: DeskServices, operating: Operating) -> None:
    @api.get("/incidents")
    def incidents(
        request: Request,
        cause: Annotated[str | None, Query(alias="cause_id", pattern=r"^[0-9a-f]{12}$")] = None,
        limit: paging.Limit = paging.USUAL,
        cursor: paging.Cursor = None,
    ) -> JSONResponse:
        """Stuck work, the oldest first; of one cause, where one is named."""
        after = paging.read(cursor)
        with services.database.read() as tx:
            if cause is None:
                found = stuck.everything(tx, limit + 1, after=after)
            else:
                found = stuck.of_cause(tx, cause, limit + 1, after=after)
        last = found[limit - 1] if len(found) > limit else None
        lines = [view.stuck_line(each) for each in found[:limit]]
        return paging.page(request, lines, (last.since, last.key) if last else None)

    @api.get("/causes")
    def causes() -> list[dict[str, Any]]:
        """Why work is stuck, the most frequent cause first."""
        with services.database.read() as tx:
            return view.causes(tx)

    @api.get("/incidents/{key}")
    def incident(key: Key) -> dict[str, Any]:
        """One piece of stuck work, with the variables that it sees."""
        with services.database.read() as tx:
            return view.stuck_one(services, tx, key)

    @api.post("/incidents/retry")
    async def retry_many(body: RetryManyBody) -> dict[str, Any]:
        """Gives all work that is stuck by one cause another try, 500 at a time."""
        who = await run_in_threadpool(who_operates, services, body.person)
        return await operating.retry_many(body.cause, who)

    @api.post("/incidents/{key}/retry")
    async def retry(key: Key, body: RetryBody | None = None) -> dict[str, Any]:
        """Gives stuck work another try, with changed variables where some are given."""
        asked = body or RetryBody()
        who = await run_in_threadpool(who_operates, services, asked.person)
        if asked.variables and who is None:
            raise Refused("更改变量须注明由谁操作（as）。 Changing variables needs `as`: who does it.")
        await operating.retry(key, who, asked.variables)
        return {"incident": key, "state": "retried"}


def _add_outbox(api: APIRouter, services: DeskServices, operating: Operating) -> None:
    @api.get("/outbox")
    def letters(
        state: State = "dead",
        number: CaseNumber = None,
        after: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ) -> dict[str, Any]:
        """Messages that were given up, or are owed; a hundred at a time, recipients masked."""
        with services.database.read() as tx:
            return {"letters": view.letters(tx, state, number, after), **view.mail(tx)}

    @api.post("/outbox/resend")
    def resend(body: ResendBody) -> dict[str, Any]:
        """Owes dead letters again, with all their attempts."""
        who = who_operates(services, body.person)
        if body.id_ is not None:
            operating.resend(body.id_, who)
            return {"resent": 1}
        return {"resent": operating.resend_many(who, body.channel, body.error)}


def _add_views(api: APIRouter, services: DeskServices) -> None:
    @api.get("/timers")
    def timers(
        number: CaseNumber = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        """What fires next."""
        with services.database.read() as tx:
            return view.timers(tx, services.clock.now(), number, limit)

    @api.get("/versions")
    def versions() -> dict[str, Any]:
        """What is deployed in which version, and how much of it runs."""
        with services.database.read() as tx:
            return view.versions(tx)

    @api.get("/heat")
    def heat(
        process: Annotated[str, Query(max_length=128)], days: Annotated[int, Query(ge=1, le=3660)] = 30
    ) -> dict[str, Any]:
        """Where cases of a process spend their time."""
        with services.database.read() as tx:
            return view.heat(tx, process, days, services.clock.now())

    @api.get("/workers")
    async def workers() -> dict[str, Any]:
        """Who works on which job types, the engine, and how far the records are."""
        told = await view.engine(services)
        return await run_in_threadpool(_workers, services) | {"engine": told}


def _workers(services: DeskServices) -> dict[str, Any]:
    with services.database.read() as tx:
        return view.workers(tx)


def who_operates(services: DeskServices, person: str | None) -> str | None:
    """The name of who acts, where one is given or somebody is signed in. Raises Refused: they may not operate."""
    name = in_whose_name(person)
    if name is None:
        return None
    with services.database.read() as tx:
        who = actor(tx, name, is_sample_staff=services.is_sample_staff)
    services.rights.check("operate", who.name, who.groups)
    return who.name
