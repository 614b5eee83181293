"""User tasks under /api/v1: what is open, and completing one (docs/api.md)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from workers.desk import etags, paging
from workers.desk.access import refuse_unseen
from workers.desk.bodies import Body
from workers.desk.caller import current, in_whose_name, sight
from workers.desk.completion import Completion
from workers.desk.etags import IfMatch, IfNoneMatch
from workers.desk.listing import described_task
from workers.desk.people import actor
from workers.desk.services import DeskServices
from workers.store import open_tasks, record_queries

Key = Annotated[str, Path(pattern=r"^[0-9]{1,19}$")]
Person = Annotated[str | None, Query(alias="as", max_length=200)]


class CompletionBody(Body):
    """Who completes a task, and the answers to its form."""

    person: str = Field(alias="as", strict=True, max_length=200)
    variables: Any


def add_tasks(api: APIRouter, services: DeskServices) -> None:
    """The routes."""
    completion = Completion(services)

    @api.get("/tasks")
    def tasks(
        request: Request,
        person: Person = None,
        limit: paging.Limit = paging.USUAL,
        cursor: paging.Cursor = None,
    ) -> JSONResponse:
        """Open user tasks; with `as`, or a session, those that this person may complete."""
        person = in_whose_name(person)
        with services.database.read() as tx:
            who = actor(tx, person, is_sample_staff=services.is_sample_staff) if person is not None else None
            found, after = open_tasks.page(tx, who=who, sight=sight(), after=paging.read(cursor), limit=limit)
        return paging.page(request, [described_task(each) for each in found], after)

    @api.get("/tasks/{key}")
    def task(request: Request, key: Key, if_none_match: IfNoneMatch = None) -> Response:
        """One user task, open or not."""
        return etags.tagged(request, _task(services, key))

    @api.post("/tasks/{key}/completion")
    async def complete(key: Key, body: CompletionBody, if_match: IfMatch = None) -> dict[str, Any]:
        """Completes a user task."""
        if if_match is not None or current().token is not None:
            etags.check(if_match, await run_in_threadpool(_task, services, key))
        return await completion.complete(key, body.person, body.variables)


def _task(services: DeskServices, key: str) -> dict[str, Any]:
    with services.database.read() as tx:
        found = record_queries.task(tx, key)
        if found.number is not None:
            refuse_unseen(tx, found.number)
        return described_task(found)
