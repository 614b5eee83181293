"""The API under /api/v1, as docs/api.md describes it. Who may call it: workers.desk.access."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import isodate
from fastapi import APIRouter
from pydantic import Field

from workers.cases.wording import Context
from workers.desk.bodies import Body
from workers.desk.complaint_api import add_complaints
from workers.desk.events import add_events
from workers.desk.listing import described_word
from workers.desk.once import OnceRoute
from workers.desk.services import DeskServices
from workers.desk.task_api import add_tasks
from workers.desk.words import iso
from workers.errors import Conflict, Refused

_LONGEST_JUMP: Final = timedelta(days=3660)


class AdvanceBody(Body):
    """How far the test clock is moved: an ISO 8601 duration."""

    by: str = Field(strict=True, max_length=64)


class WordingBody(Body):
    """A text, and what it is going to be (docs/wording.md)."""

    text: str = Field(strict=True, max_length=20_000)
    context: Context = "answer"


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1", route_class=OnceRoute)
    add_complaints(api, services)
    add_tasks(api, services)
    add_events(api, services)
    _add_clock(api, services)
    _add_wording(api, services)
    return api


def _add_wording(api: APIRouter, services: DeskServices) -> None:
    @api.post("/wording")
    def check_wording(body: WordingBody) -> dict[str, Any]:
        """What is said about the words of a text, while it is written. Posted: a text is nothing for an address."""
        found = services.wording.find(body.text, body.context)
        return {
            "context": body.context,
            "ok": all(each.level != "refused" for each in found),
            "found": [described_word(services.wording, each, body.context) for each in found],
        }


def _add_clock(api: APIRouter, services: DeskServices) -> None:
    @api.post("/clock/advance")
    async def advance(body: AdvanceBody) -> dict[str, Any]:
        """Moves the test clock; answers when what that sets off has settled."""
        by = parse_duration(body.by)
        if services.advance_clock is None:
            raise Conflict(
                "此实例没有测试时钟。 This instance runs on real time; start `duban up --test-clock`."
            )
        return {"now": iso(await services.advance_clock(by))}


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration of a fixed length, longer than nothing.

    Raises:
        Refused: it is not one.
    """
    try:
        by = isodate.parse_duration(text)
    except (isodate.ISO8601Error, ValueError, ArithmeticError):
        raise Refused(f"{text!a} is not an ISO 8601 duration such as PT25H, P2D or PT90M") from None
    if not isinstance(by, timedelta):
        raise Refused("months and years have no fixed length; say days or hours, such as P30D or PT25H")
    if not timedelta() < by <= _LONGEST_JUMP:
        raise Refused(f"the clock moves forward, by at most {_LONGEST_JUMP.days} days; {text!a} is not that")
    return by
