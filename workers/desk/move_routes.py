"""Moving instances to the newest version: calls and pages, for people with the right `operate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from workers.desk.access import allowed_by
from workers.desk.bodies import Body
from workers.desk.caller import Actor
from workers.desk.moving import Mover, MoverParts
from workers.desk.operations_api import Person, who_operates
from workers.desk.operations_pages import Shown
from workers.desk.services import DeskServices

Process = Annotated[str, Query(max_length=128)]
Source = Annotated[int, Query(alias="from", ge=1, le=2**31 - 1)]
Run = Annotated[int, Path(ge=1, le=2**31 - 1)]


class MigrationBody(Body):
    """Who moves the instances of which version of which process."""

    person: Person = None
    process: str = Field(strict=True, max_length=128)
    source: int = Field(alias="from", strict=True, ge=1, le=2**31 - 1)


def router(services: DeskServices, page: Callable[..., HTMLResponse]) -> APIRouter:
    """The routes.

    Args:
        page: renders a template by name.
    """
    room = services.engine_room
    routes = APIRouter()
    mover = Mover(MoverParts(services.database, services.clock, room.move, room.look))
    _add_api(routes, services, mover)
    _add_pages(routes, services, mover, Shown(services, page))
    return routes


def _add_api(routes: APIRouter, services: DeskServices, mover: Mover) -> None:
    @routes.get("/api/v1/migrations")
    async def preview(process: Process, source: Source) -> dict[str, Any]:
        """Which instances of a version would be moved to the newest, and which not, with the reasons."""
        return await mover.preview(process, source)

    @routes.post("/api/v1/migrations", status_code=201)
    async def migrate(body: MigrationBody) -> dict[str, Any]:
        """Begins to move the instances of a version to the newest; those that cannot be moved stay."""
        who = await run_in_threadpool(who_operates, services, body.person)
        return await mover.progress(await mover.begin(body.process, body.source, who))

    @routes.get("/api/v1/migrations/{id_}")
    async def progress(id_: Run) -> dict[str, Any]:
        """How far it is, and what became of each instance (the first 500; what was refused comes first)."""
        return await mover.progress(id_)


def _add_pages(routes: APIRouter, services: DeskServices, mover: Mover, show: Shown) -> None:
    operator = allowed_by(services.rights, "operate")
    here = ("operations/migration.html", "versions")

    @routes.get("/operations/migration", include_in_schema=False)
    async def migration(process: Process, source: Source, _who: Actor = Depends(operator)) -> HTMLResponse:
        """The preview, with a button."""
        plan = await mover.preview(process, source)
        return await run_in_threadpool(lambda: show(*here, lambda _: {}, plan=plan, run=None))

    @routes.post("/operations/migration", include_in_schema=False)
    async def migrate_instances(
        process: Annotated[str, Form(max_length=128)],
        source: Annotated[int, Form(alias="from", ge=1, le=2**31 - 1)],
        who: Actor = Depends(operator),
    ) -> Response:
        """Begins a run."""
        return RedirectResponse(f"/operations/migrations/{await mover.begin(process, source, who.name)}", 303)

    @routes.get("/operations/migrations/{id_}", include_in_schema=False)
    async def migration_run(id_: Run, _who: Actor = Depends(operator)) -> HTMLResponse:
        """How far a run is."""
        run = await mover.progress(id_)
        return await run_in_threadpool(lambda: show(*here, lambda _: {}, plan=None, run=run))
