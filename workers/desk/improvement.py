"""The API of figures and suggestions, under /api/v1 (rules A11, F1, F4)."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from workers.cases.figures import Asked
from workers.cases.masking import numbers_in
from workers.desk.access import refuse_unseen
from workers.desk.bodies import Body, Words
from workers.desk.caller import sight
from workers.desk.once import OnceRoute, keep_with
from workers.desk.people import Actor, actor
from workers.desk.services import DeskServices
from workers.desk.words import iso
from workers.errors import Forbidden
from workers.names import SHANGHAI
from workers.store import suggestions
from workers.store.outbox import Transaction
from workers.store.suggestion_tables import Suggestion

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Day = Annotated[str | None, Query(max_length=10)]


class SuggestionBody(Body):
    """A suggestion, who makes it, and the case that gave the idea."""

    person: str = Field(alias="as", strict=True, max_length=200)
    text: Words
    number: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{1,32}$")
    group: str | None = Field(None, pattern=r"^[a-z][a-z-]{0,63}$")


class DecisionBody(Body):
    """What becomes of a suggestion, and why."""

    person: str = Field(alias="as", strict=True, max_length=200)
    status: Literal["accepted", "done", "rejected"]
    reason: Words | None = None


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1", route_class=OnceRoute)

    @api.get("/figures")
    def figures(
        first: Annotated[str | None, Query(alias="from", max_length=10)] = None,
        last: Annotated[str | None, Query(alias="to", max_length=10)] = None,
        by: Annotated[list[str] | None, Query(max_length=64)] = None,
    ) -> dict[str, Any]:
        """The figures of a period."""
        now = services.clock.now()
        asked = Asked.parse(first, last, by or (), now.astimezone(SHANGHAI).date())
        with services.database.read() as tx:
            return services.figures.report(tx, asked, now, services.labels, sight())

    _add_suggestions(api, services)
    return api


def _add_suggestions(api: APIRouter, services: DeskServices) -> None:
    @api.post("/suggestions", status_code=201)
    def suggest(body: SuggestionBody) -> Response:
        """Keeps a suggestion for improvement."""
        services.wording.check([("建议（text）", "note", body.text)])
        with services.database.begin() as tx:
            who = actor(tx, body.person, is_sample_staff=services.is_sample_staff)
            key = f"suggestion:{secrets.token_hex(16)}"
            now = services.clock.now()
            id_ = suggestions.add(
                tx, body.text, who.name, now, key, owner_group=body.group, number=body.number
            )
            answer = JSONResponse(described(suggestions.get(tx, id_)), 201)
            keep_with(tx, answer)
            return answer

    @api.get("/suggestions")
    def listing(
        status: Annotated[str | None, Query(max_length=16)] = None,
        group: Annotated[str | None, Query(max_length=64)] = None,
        number: Annotated[str | None, Query(max_length=32)] = None,
    ) -> list[dict[str, Any]]:
        """Suggestions, newest first."""
        with services.database.read() as tx:
            found = suggestions.listing(tx, status=status, group=group, number=number, sight=sight())
            return [described(each) for each in found]

    @api.post("/suggestions/{id_}/decision")
    def decide(id_: Id, body: DecisionBody) -> dict[str, Any]:
        """Accepts or rejects a suggestion, or notes that it is carried out."""
        services.wording.check([("理由（reason）", "note", body.reason or "")])
        with services.database.begin() as tx:
            who = actor(tx, body.person, is_sample_staff=services.is_sample_staff)
            _check_right(tx, who, id_)
            now = services.clock.now()
            return described(suggestions.decide(tx, id_, body.status, who.name, now, body.reason))


def described(suggestion: Suggestion) -> dict[str, Any]:
    """A suggestion as JSON; telephone numbers that somebody wrote into it are masked (rule B10)."""
    return {
        "id": suggestion.id,
        "status": suggestion.status,
        "text": numbers_in(suggestion.text),
        "number": suggestion.number,
        "owner_group": suggestion.owner_group,
        "by": suggestion.made_by,
        "at": iso(suggestion.made_at),
        "reason": numbers_in(suggestion.reason) if suggestion.reason else None,
        "decided_by": suggestion.decided_by,
        "decided_at": iso(suggestion.decided_at),
    }


def _check_right(tx: Transaction, who: Actor, id_: int) -> None:
    found = suggestions.get(tx, id_)
    if found.number is not None:
        refuse_unseen(tx, found.number)
    group = found.owner_group
    if who.groups is not None and group not in who.groups:
        raise Forbidden(f"{who.name} may not decide this: the suggestion is for {group}")
