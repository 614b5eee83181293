"""The decision page: the form, and beside it everything that the decision needs; and what is done with a task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Form, Path, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from workers.cases.forms import Form as ServerForm
from workers.desk.access import signed_in
from workers.desk.caller import Actor, current
from workers.desk.completion import Completion
from workers.desk.handing import Handing
from workers.desk.people import Authority, has, in_directory, refuse_stranger
from workers.desk.problems import problem, status_of
from workers.desk.services import DeskServices
from workers.errors import Broken, DubanError, Forbidden
from workers.store import (
    case_lines,
    case_owners,
    case_view,
    cases,
    complaints,
    completions,
    deadlines,
    extensions,
    notes,
    record_queries,
    refunds,
    retention,
    staff,
    task_view,
)
from workers.store.outbox import Transaction
from workers.store.overview import urgency
from workers.store.record_views import TaskView

Key = Annotated[str, Path(pattern=r"^[0-9]{1,19}$")]
Me = Annotated[Actor, Depends(signed_in)]
_LONGEST_NOTE: Final = 500
_Keys = Annotated[list[str] | None, Form(max_length=200)]
_Word = Annotated[str, Form(max_length=200)]


def add_tasks(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The decision page and the actions."""
    completion, handing = Completion(services), Handing(services)

    @pages.get("/tasks/{key}")
    def decide(
        key: Key, who: Me, asked: Annotated[str, Query(alias="said", max_length=20)] = ""
    ) -> HTMLResponse:
        """One task, with what is needed to decide it."""
        with services.database.read() as tx:
            task = _readable(tx, key, who)
            return page("task.html", who=who, asked=asked, **_view(services, tx, task, who))

    @pages.post("/tasks/{key}/completion")
    async def complete(key: Key, who: Me, variables: Annotated[Any, Body(embed=True)]) -> JSONResponse:
        """Completes the task; told as JSON to the script of the form."""
        try:
            done = await completion.complete(key, who.name, variables)
        except DubanError as error:
            return problem(status_of(error), str(error))
        return JSONResponse(done | {"next": "/inbox"})

    _add_handing(pages, handing)

    @pages.get("/processes/{definition_key}/diagram.bpmn", dependencies=[Depends(signed_in)])
    def diagram(definition_key: Key) -> Response:
        """The diagram as it was deployed."""
        with services.database.read() as tx:
            return Response(record_queries.diagram(tx, definition_key), media_type="application/xml")


def _add_handing(pages: APIRouter, handing: Handing) -> None:
    async def each(
        keys: list[str] | None, only: str, act: Callable[[str], Awaitable[None]], next_: str
    ) -> Response:
        """One refusal does not keep the others from it; the page says what was refused."""
        refused: list[DubanError] = []
        for key in [only] if only else dict.fromkeys(keys or []):
            try:
                await act(key)
            except DubanError as error:
                refused.append(error)
        if refused:
            raise refused[0]
        return RedirectResponse(next_ if next_.startswith("/tasks/") else "/inbox", 303)

    @pages.post("/tasks/claim", response_model=None)
    async def claim_tasks(who: Me, key: _Keys = None, only: _Word = "", next: _Word = "") -> Response:
        """Takes the tasks that are chosen, or the one whose button it was."""
        return await each(key, only, lambda one: handing.claim(one, who), next)

    @pages.post("/tasks/release", response_model=None)
    async def release_tasks(who: Me, key: _Keys = None, only: _Word = "", next: _Word = "") -> Response:
        """Gives tasks back to their groups."""
        return await each(key, only, lambda one: handing.release(one, who), next)

    @pages.post("/tasks/{key}/colleague", response_model=None)
    async def hand_over_task(
        key: Key,
        who: Me,
        to: Annotated[str, Form(max_length=64)],
        note: Annotated[str, Form(max_length=_LONGEST_NOTE)] = "",
    ) -> Response:
        """Gives a task to a colleague, with a note."""
        await handing.hand_over(key, who, to, note)
        return RedirectResponse("/inbox", 303)


def _readable(tx: Transaction, key: str, who: Actor) -> TaskView:
    """The task, for somebody who may complete it.

    Raises:
        NotFound: there is none. Forbidden: it is for others.
    """
    task = record_queries.task(tx, key)
    if task.number is None:
        raise Forbidden("此任务不属于任何工单。 The task belongs to no case and is not decided here.")
    current().subject = task.number
    refuse_stranger(tx, who, task)
    return task


def _view(services: DeskServices, tx: Transaction, task: TaskView, who: Actor) -> dict[str, Any]:
    """What templates/task.html shows of every task."""
    number, now = task.number or "", services.clock.now()
    said, noted = task_view.said_before(tx, number), notes.of(tx, number)
    about = _about(services, tx, number)
    completed = completions.completion_of(tx, task.key)
    people: set[str | None] = {each.who for each in said} | {each["added_by"] for each in about["evidence"]}
    people |= {each.author for each in noted}
    people |= {task.assignee, completed.who if completed else None}
    people |= {each.person for each in about["approvals"]}
    people |= {about["refund"].asked_by} if about["refund"] else set()
    return about | {
        "task": task,
        "state": urgency(task.created_at, task.due_at, now),
        "line": case_lines.of(tx, [number]).get(number),
        "said": said,
        "notes": noted,
        "reasons": task_view.reasons(tx, task.process_instance_key),
        "marks": task_view.marks(tx, task.process_instance_key),
        "colleagues": _colleagues(tx, task, who) if task.state == "open" else [],
        "people": staff.names(tx, people),
        "completed": completed,
        "prefilled": _prefilled(task, who),
        "may_extend": about["is_complaint"] and _may_extend(tx, number, who),
    }


def _about(services: DeskServices, tx: Transaction, number: str) -> dict[str, Any]:
    """The case itself; what only a complaint has is empty for events and runs of record retention."""
    nothing: dict[str, Any] = {
        "is_complaint": False,
        "refund": None,
        "approvals": [],
        "deadlines": [],
        "of_customer": [],
        "like_it": [],
        "evidence": [],
        "event": None,
        "run": None,
    }
    kind = cases.kind(tx, number)
    if kind == "retention-run":
        return nothing | {"case": {"personal": {"text": None}}, "run": retention.described(tx, number)}
    case = case_view.show(tx, number, services.timeline_words, now=services.clock.now(), with_text=True)
    if kind != "complaint":
        return nothing | {"case": case, "event": case}
    complaint, refund = complaints.get(tx, number), refunds.current(tx, number)
    return nothing | {
        "case": case,
        "is_complaint": True,
        "evidence": case["evidence"],
        "refund": refund,
        "approvals": refunds.approvals(tx, refund.refund_no) if refund else [],
        "deadlines": deadlines.of(tx, number),
        "of_customer": task_view.of_customer(tx, complaint),
        "like_it": task_view.like_it(tx, complaint),
    }


def _may_extend(tx: Transaction, number: str, who: Actor) -> bool:
    complaint = complaints.get(tx, number)
    return has(who, complaint) and extensions.may_be_asked(tx, complaint)


def _prefilled(task: TaskView, who: Actor) -> dict[str, str]:
    """What the form shows of who fills it in."""
    try:
        return dict.fromkeys(ServerForm(task.form_schema or {}).person_keys, who.name)
    except Broken:
        return {}


def _colleagues(tx: Transaction, task: TaskView, who: Actor) -> list[tuple[str, str]]:
    """(username, name) of everybody else who may complete the task."""
    owner = case_owners.of(tx, [task.number or ""]).get(task.number or "")
    authority = Authority(tx)
    return [
        (person.username, person.name)
        for person in staff.everybody(tx)
        if person.username != who.name
        and owner is not None
        and set(person.groups).intersection(task.groups)
        and authority.refuses(in_directory(person), task, owner) is None
    ]
