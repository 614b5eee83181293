"""The API under /api/v1, as docs/api.md describes it. Who may call it: workers.desk.access."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import isodate
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from workers.cases.complaint import parse_line
from workers.cases.wording import Context
from workers.desk.bodies import Body, Words
from workers.desk.caller import in_whose_name
from workers.desk.completion import Completion
from workers.desk.events import add_events
from workers.desk.listing import described_incidents, described_tasks, described_word
from workers.desk.people import actor, refuse_outsider
from workers.desk.services import DeskServices
from workers.desk.words import iso
from workers.errors import Conflict, NotFound, Refused
from workers.store import case_view, completions, extensions, intake, record_queries, requests

_LONGEST_JUMP: Final = timedelta(days=3660)

Key = Annotated[str, Path(pattern=r"^[0-9]{1,19}$")]
Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class CompletionBody(Body):
    """Who completes a task, and the answers to its form."""

    person: str = Field(alias="as", strict=True, max_length=200)
    variables: Any


class AdvanceBody(Body):
    """How far the test clock is moved: an ISO 8601 duration."""

    by: str = Field(strict=True, max_length=64)


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


class WordingBody(Body):
    """A text, and what it is going to be (docs/wording.md)."""

    text: str = Field(strict=True, max_length=20_000)
    context: Context = "answer"


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1")
    _add_complaints(api, services)
    _add_tasks(api, services)
    add_events(api, services)
    _add_operations(api, services)
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


def _add_complaints(api: APIRouter, services: DeskServices) -> None:
    @api.post("/complaints")
    async def submit(request: Request) -> JSONResponse:
        """One complaint as JSON; 201 when it is new, 200 when it had come in before."""
        raw = await request.body()
        accepted = await run_in_threadpool(_accept, services, raw)
        return JSONResponse({"number": accepted.number}, 201 if accepted.is_new else 200)

    @api.get("/complaints/{number}")
    def show(number: Number) -> dict[str, Any]:
        """The whole case."""
        with services.database.read() as tx:
            return case_view.show(tx, number, services.timeline_words, now=services.clock.now())

    @api.post("/complaints/{number}/withdrawal")
    def withdraw(number: Number, body: WithdrawalBody) -> dict[str, Any]:
        """The customer takes the complaint back."""
        requests.withdraw(services.database, services.clock, number, wake=services.wake_relay)
        _keep(services, number, "withdrawal_reason", body.reason)
        return {"number": number, "withdrawal": "asked"}

    @api.post("/complaints/{number}/extension")
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

    @api.post("/complaints/{number}/survey")
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

    @api.post("/complaints/{number}/appeal")
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


def _add_tasks(api: APIRouter, services: DeskServices) -> None:
    completion = Completion(services)

    @api.get("/tasks")
    def tasks(
        person: Annotated[str | None, Query(alias="as", max_length=200)] = None,
    ) -> list[dict[str, Any]]:
        """Open user tasks; with `as`, or a session, those that this person may complete."""
        person = in_whose_name(person)
        with services.database.read() as tx:
            who = actor(tx, person, is_sample_staff=services.is_sample_staff) if person is not None else None
            return described_tasks(tx, who)

    @api.post("/tasks/{key}/completion")
    async def complete(key: Key, body: CompletionBody) -> dict[str, Any]:
        """Completes a user task."""
        return await completion.complete(key, body.person, body.variables)


def _add_operations(api: APIRouter, services: DeskServices) -> None:
    @api.get("/incidents")
    def incidents() -> list[dict[str, Any]]:
        """Stuck work."""
        with services.database.read() as tx:
            return described_incidents(tx)

    @api.post("/incidents/{key}/retry")
    async def retry(key: Key) -> dict[str, Any]:
        """Gives stuck work another try."""
        job_key = await run_in_threadpool(_job_of, services, key)
        await services.incidents.resolve(key, job_key)
        return {"incident": key, "state": "retried"}

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


def _accept(services: DeskServices, raw: bytes) -> intake.Accepted:
    line = parse_line(raw, policies=services.policies, now=services.clock.now())
    return intake.accept(services.database, services.clock, line, services.wake_relay)


def _keep(services: DeskServices, number: str, field: str, words: str | None) -> None:
    if words:
        with services.database.begin() as tx:
            completions.keep_customer_words(tx, number, field, words, "customer", services.clock.now())


def _job_of(services: DeskServices, key: str) -> str | None:
    with services.database.read() as tx:
        found = next((each for each in record_queries.open_incidents(tx) if each.key == key), None)
    if found is None:
        raise NotFound(f"there is no open incident {key}; `duban incidents` lists them")
    return found.job_key
