"""The API of fault guides and rectification (rules B6, B12), as docs/field-service.md describes it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Query, Request

from workers.desk.caller import sight
from workers.desk.fault_guides import KINDS
from workers.desk.once import OnceRoute
from workers.desk.services import DeskServices
from workers.desk.words import iso
from workers.store import rectifications
from workers.store.rectification_tables import Rectification


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1", route_class=OnceRoute)

    @api.get("/fault-guides")
    def guides() -> list[dict[str, Any]]:
        """Every guide with its first question."""
        return [services.fault_guides.ask(kind, {}) for kind in KINDS]

    @api.get("/fault-guides/{kind}")
    def guide(kind: str, request: Request) -> dict[str, Any]:
        """The next question after these answers (query parameters), or what comes next."""
        return services.fault_guides.ask(kind, dict(request.query_params))

    @api.get("/rectifications")
    def listed(
        status: Literal["running", "open", "done", "effective", "reported"] | None = None,
        number: str | None = Query(None, pattern=r"^[A-Za-z0-9-]{1,32}$"),
    ) -> list[dict[str, Any]]:
        """Rectifications, those due first at the top."""
        with services.database.read() as tx:
            return [
                _described(each)
                for each in rectifications.page(tx, status=status, number=number, sight=sight())
            ]

    return api


def _described(row: Rectification) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "group": row.group,
        "owner": row.owner,
        "cause_code": row.cause_code,
        "status": row.status,
        "round": row.round,
        "opened_at": iso(row.opened_at),
        "due_at": iso(row.due_at),
        "missed": row.missed_at is not None,
        "done_at": iso(row.done_at),
        "checked_at": iso(row.checked_at),
        "is_effective": row.is_effective,
    }
