"""The API of records: find them, and anonymise those whose time is over (rules B10, C10)."""

from __future__ import annotations

import json
import logging
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import Field

from workers.cases.readable import Line
from workers.cases.retention import Rule, read_rules
from workers.cases.rights import Right
from workers.desk.bodies import Body
from workers.desk.caller import sight
from workers.desk.once import OnceRoute
from workers.desk.people import actor
from workers.desk.services import DeskServices
from workers.engine.models import Models
from workers.errors import Broken
from workers.store import retention, search
from workers.store.outbox import Transaction

log = logging.getLogger(__name__)

RULES: Final = "retention-rule"
Run = Annotated[str, Path(pattern=r"^DA[0-9-]{1,30}$")]


class FindBody(Body):
    """Who looks for complaints, and what the customer says of themselves."""

    person: str = Field(alias="as", strict=True, max_length=200)
    wanted: Line


class RunBody(Body):
    """Who asks for a run, having seen the figures."""

    person: str = Field(alias="as", strict=True, max_length=200)


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1", route_class=OnceRoute)

    @api.post("/search")
    def find(body: FindBody) -> list[dict[str, Any]]:
        """Complaints of a customer, masked. Posted: who somebody is, is nothing for an address."""
        with services.database.read() as tx:
            who = _check(services, tx, body.person, "find-complaint")
            found = search.find(tx, body.wanted, sight())
        log.info(
            "complaints looked for", extra={"action": "complaints-found", "who": who, "count": len(found)}
        )
        return found

    @api.get("/retention")
    def expired() -> dict[str, Any]:
        """What a run would anonymise now; changes nothing."""
        with services.database.read() as tx:
            now, rules = services.clock.now(), services.retention_rules
            rows, events = retention.count(tx, rules, now), retention.expired_events(tx, rules, now)
        return {"expired": len(rows), "events": len(events), "by_month": retention.figures(rows)}

    @api.post("/retention", status_code=201)
    def run(body: RunBody) -> dict[str, Any]:
        """Opens a run that a person has confirmed; its process does the rest."""
        with services.database.begin() as tx:
            who = _check(services, tx, body.person, "run-retention")
            number, _ = retention.open_run(tx, services.clock.now(), who=who, confirmed=True)
            found = retention.described(tx, number)
        services.wake_relay()
        return found

    @api.get("/retention/{number}")
    def progress(number: Run) -> dict[str, Any]:
        """How far a run is."""
        with services.database.read() as tx:
            return retention.described(tx, number)

    return api


def retention_rules(models: Models) -> list[Rule]:
    """How long records are kept, as the decision table says it; `find-expired` is given the same rows by the engine.

    Raises:
        Broken: there is no such table, or a cell of its results is no plain text or number.
    """
    table = models.decisions.get(RULES)
    if table is None:
        raise Broken(f"there is no decision {RULES}")
    try:
        rows = [
            dict(zip(table.outputs, map(json.loads, cells), strict=True))
            for inputs, cells in table.rules
            if not any("complaint" not in each and each.strip() not in {"", "-"} for each in inputs)
        ]
    except ValueError as error:
        raise Broken(f"a result of {RULES} is no plain text or number") from error
    return read_rules(rows)


def _check(services: DeskServices, tx: Transaction, person: str, right: Right) -> str:
    who = actor(tx, person, is_sample_staff=services.is_sample_staff)
    services.rights.check(right, who.name, who.groups)
    return who.name
