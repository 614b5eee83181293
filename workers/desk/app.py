"""The web application: API, pages, health."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from workers.desk import (
    alerts,
    api,
    case_notes,
    case_rights,
    field_api,
    improvement,
    login_pages,
    move_routes,
    operations_api,
    pages,
    records,
    similar,
    tmf621,
)
from workers.desk.access import API, Gate, to_login
from workers.desk.guard import Guard
from workers.desk.live import Live
from workers.desk.logins import Logins
from workers.desk.measuring import Measured
from workers.desk.once import Once
from workers.desk.openapi import describe
from workers.desk.problems import answer_failures, of_error, status_of
from workers.desk.provider_login import add_provider_login
from workers.desk.services import DeskServices, Health
from workers.desk.store_away import answer_outages
from workers.errors import DubanError, SignInNeeded
from workers.store import complaints, record_queries, timeline

log = logging.getLogger(__name__)


def create_app(services: DeskServices) -> FastAPI:
    """The application, to be served by uvicorn in the process that built the services."""
    gate, page = Gate(services), pages.renderer(services)
    app = FastAPI(
        title="Duban",
        dependencies=[Depends(gate.check)],
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.once = Once(services, gate.authorise)
    app.state.live = Live(lambda: _position(services))
    app.add_middleware(
        Guard,
        gate=gate,
        hosts=services.hosts,
        largest_upload=services.evidence.largest_file_bytes,
    )
    app.add_middleware(Measured)
    answer_failures(app)
    answer_outages(app)

    @app.exception_handler(DubanError)
    async def failed(request: Request, error: DubanError) -> Response:
        if request.scope["path"].startswith(API):
            return of_error(error)
        if isinstance(error, SignInNeeded):
            return to_login(request)
        return pages.failure_page(page, error, status_of(error))

    _add_health(app, services)
    app.mount("/static", StaticFiles(directory=pages.STATIC), "static")
    app.include_router(similar.router(services))
    app.include_router(api.router(services))
    app.include_router(improvement.router(services))
    app.include_router(case_rights.router(services))
    app.include_router(case_notes.router(services))
    app.include_router(field_api.router(services))
    app.include_router(records.router(services))
    app.include_router(operations_api.router(services))
    app.include_router(alerts.router(services))
    app.include_router(move_routes.router(services, page))
    app.include_router(tmf621.router(services))
    logins = Logins(services)
    access_pages = login_pages.router(services, gate, logins, page)
    add_provider_login(access_pages, services, gate, logins)
    app.include_router(access_pages)
    app.include_router(pages.router(services, page, app.state.live))
    app.openapi = describe(app)  # type: ignore[method-assign]
    return app


def _add_health(app: FastAPI, services: DeskServices) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, Any]:
        """The process runs and answers."""
        return {"ok": True}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        """Every part that is needed answers; each is said by itself."""
        parts = {"database": await run_in_threadpool(_database, services), **await services.health()}
        is_ok = all(part.is_ok for part in parts.values() if part.is_needed)
        told = {name: {"ok": part.is_ok, "says": part.says} for name, part in parts.items()}
        return JSONResponse({"ok": is_ok, "parts": told}, 200 if is_ok else 503)


def _position(services: DeskServices) -> int:
    with services.database.read() as tx:
        return record_queries.position(tx) + timeline.position(tx)


def _database(services: DeskServices) -> Health:
    try:
        with services.database.read() as tx:
            complaints.page(tx, limit=1)
    except Exception as error:
        said = f"数据库无应答 The store does not answer ({type(error).__name__})."
        log.warning("store not ready", extra={"action": "store-not-ready"}, exc_info=error)
        return Health(False, said)
    return Health(True, "数据库正常 The store answers.")
