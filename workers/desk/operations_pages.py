"""The pages of operations, for people with the right `operate`. They show numbers of cases, never what is in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from workers.desk import operations_view as view
from workers.desk.access import allowed_by
from workers.desk.caller import Actor
from workers.desk.operating import Operating, parsed_variables
from workers.desk.services import DeskServices
from workers.errors import Conflict, DubanError, NotFound, Refused
from workers.store import stuck
from workers.store.outbox import Transaction
from workers.store.outbox_view import State

Key = Annotated[str, Path(pattern=r"^[0-9]{1,19}$")]
Cause = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
Page = Callable[..., HTMLResponse]
Operator = Callable[..., Actor]
_LONGEST: Final = 100_000
_FIRST: Final = "complaint-handling"
_SHOWN: Final = 200
_LETTERS: Final = 100


class Shown:
    """Renders a page of operations: with the figures above, as they are now."""

    def __init__(self, services: DeskServices, page: Page) -> None:
        self.services = services
        self._page = page

    def __call__(
        self,
        name: str,
        here: str,
        read: Callable[[Transaction], Mapping[str, Any]],
        status: int = 200,
        **more: Any,
    ) -> HTMLResponse:
        """The template `name`; `here` is the tab, `read` what the store has for it."""
        with self.services.database.read() as tx:
            figures = view.figures(tx, self.services.clock.now())
            told = read(tx)
        return self._page(name, status, here=here, figures=figures, **told, **more)


def add_operations(pages: APIRouter, services: DeskServices, page: Page) -> None:
    """The routes.

    Args:
        page: renders a template by name.
    """
    operator = allowed_by(services.rights, "operate")
    show, operating = Shown(services, page), Operating(services)
    _add_stuck(pages, show, operator, operating)
    _add_one(pages, show, operator, operating)
    _add_outbox(pages, show, operator, operating)
    _add_views(pages, show, operator)


def _add_stuck(pages: APIRouter, show: Shown, operator: Operator, operating: Operating) -> None:
    @pages.get("/operations")
    def operations(
        retried: Annotated[int | None, Query(ge=0)] = None,
        left: Annotated[int, Query(ge=0)] = 0,
        _who: Actor = Depends(operator),
    ) -> HTMLResponse:
        """Stuck work by cause."""
        return show(
            "operations/stuck.html",
            "stuck",
            lambda tx: {"causes": view.causes(tx)},
            retried=retried,
            left=left,
        )

    @pages.get("/operations/causes/{cause}")
    def cause(cause: Cause, _who: Actor = Depends(operator)) -> Response:
        """What is stuck by one cause."""

        def read(tx: Transaction) -> Mapping[str, Any]:
            found = [view.stuck_line(each) for each in stuck.of_cause(tx, cause, _SHOWN)]
            return {"lines": found, "cause": found[0]}

        try:
            return show("operations/cause.html", "stuck", read)
        except NotFound:
            return RedirectResponse("/operations", 303)  # solved meanwhile: the list says so

    @pages.post("/operations/causes/{cause}/retry")
    async def retry_incidents(cause: Cause, who: Actor = Depends(operator)) -> Response:
        """Everything that is stuck by a cause gets another try."""
        try:
            found = await operating.retry_many(cause, who.name)
        except NotFound:
            found = {"retried": 0, "left": 0}
        return RedirectResponse(f"/operations?retried={found['retried']}&left={found['left']}", 303)


def _add_one(pages: APIRouter, show: Shown, operator: Operator, operating: Operating) -> None:
    def one(key: str, status: int = 200, wrong: str | None = None, given: str | None = None) -> HTMLResponse:
        def read(tx: Transaction) -> Mapping[str, Any]:
            found = view.stuck_one(show.services, tx, key)
            written = json.dumps(found["variables"], ensure_ascii=False, indent=2)
            return {"one": found, "written": given if given is not None else written}

        return show("operations/incident.html", "stuck", read, status, wrong=wrong)

    @pages.get("/operations/incidents/{key}")
    def incident(key: Key, _who: Actor = Depends(operator)) -> HTMLResponse:
        """One piece of stuck work, and what can be done about it."""
        return one(key)

    @pages.post("/operations/incidents/{key}/retry")
    async def retry_incident(
        key: Key,
        variables: Annotated[str, Form(max_length=_LONGEST)] = "",
        before: Annotated[str, Form(max_length=_LONGEST)] = "",
        who: Actor = Depends(operator),
    ) -> Response:
        """Another try, with those variables that were changed in the form."""
        try:
            await operating.retry(key, who.name, changed(before, variables))
        except NotFound:
            return RedirectResponse("/operations", 303)  # solved meanwhile: the list says so
        except (Refused, Conflict) as error:
            return await run_in_threadpool(_again, one, key, error, variables)
        return RedirectResponse("/operations?retried=1", 303)


def _again(one: Callable[..., HTMLResponse], key: str, error: DubanError, written: str) -> Response:
    """The same page with what is wrong; solved meanwhile: the list."""
    try:
        return one(key, 422, str(error), written or None)
    except NotFound:
        return RedirectResponse("/operations", 303)


def _add_outbox(pages: APIRouter, show: Shown, operator: Operator, operating: Operating) -> None:
    @pages.get("/operations/outbox")
    def letters(
        state: State = "dead",
        number: Annotated[str, Query(max_length=32)] = "",
        after: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        resent: Annotated[int | None, Query(ge=0)] = None,
        _who: Actor = Depends(operator),
    ) -> HTMLResponse:
        """Messages that were given up, or are owed."""

        def read(tx: Transaction) -> Mapping[str, Any]:
            found = view.letters(tx, state, number.strip() or None, after, _LETTERS)
            more = found[-1]["id"] if len(found) == _LETTERS else None
            return {"letters": found, "more": more, **view.mail(tx)}

        chosen = {"state": state, "number": number.strip()}
        return show("operations/outbox.html", "outbox", read, chosen=chosen, resent=resent)

    @pages.post("/operations/outbox/resend")
    def resend_messages(
        id_: Annotated[int | None, Form(alias="id", ge=1, le=2**62)] = None,
        channel: Annotated[str | None, Form(max_length=16)] = None,
        error: Annotated[str | None, Form(max_length=500)] = None,
        who: Actor = Depends(operator),
    ) -> Response:
        """One dead letter, those of a reason, or all are owed again."""
        if id_ is None:
            count = operating.resend_many(who.name, channel, error)
        else:
            operating.resend(id_, who.name)
            count = 1
        return RedirectResponse(f"/operations/outbox?resent={count}", 303)


def _add_views(pages: APIRouter, show: Shown, operator: Operator) -> None:
    services = show.services

    @pages.get("/operations/timers")
    def timers(
        number: Annotated[str, Query(max_length=32)] = "", _who: Actor = Depends(operator)
    ) -> HTMLResponse:
        """What fires next."""
        wanted = number.strip()
        return show(
            "operations/timers.html",
            "timers",
            lambda tx: view.timers(tx, services.clock.now(), wanted or None),
            number=wanted,
        )

    @pages.get("/operations/versions")
    def versions(_who: Actor = Depends(operator)) -> HTMLResponse:
        """What is deployed, and how much of it runs."""
        return show("operations/versions.html", "versions", view.versions)

    @pages.get("/operations/heat")
    def heat(
        process: Annotated[str, Query(max_length=128)] = "",
        days: Annotated[int, Query(ge=1, le=3660)] = 30,
        _who: Actor = Depends(operator),
    ) -> HTMLResponse:
        """Where cases spend their time, over the diagram."""

        def read(tx: Transaction) -> Mapping[str, Any]:
            known = {each["process"]: each["name"] for each in view.versions(tx)["processes"]}
            wanted = process or next((each for each in (_FIRST, *known) if each in known), "")
            found = view.heat(tx, wanted, days, services.clock.now()) if wanted else None
            marks = {"heat": view.heat_marks(found["elements"])} if found else {}
            return {"heat": found, "marks": marks, "processes": known}

        return show("operations/heat.html", "heat", read, periods=view.PERIODS, days=days)

    @pages.get("/operations/workers")
    async def workers(_who: Actor = Depends(operator)) -> HTMLResponse:
        """Who works, the engine, the records."""
        engine = await view.engine(services)
        return await run_in_threadpool(
            lambda: show("operations/workers.html", "workers", view.workers, engine=engine)
        )


def changed(before: str, after: str) -> dict[str, Any]:
    """The variables that somebody changed in the form; one that was taken out stays as it is.

    Raises:
        Refused: what they wrote is no JSON object.
    """
    if not after.strip():
        return {}
    wanted = parsed_variables(after)
    try:
        known = parsed_variables(before) if before.strip() else {}
    except Refused:
        known = {}
    return {
        name: value for name, value in wanted.items() if name not in known or not _is_same(known[name], value)
    }


def _is_same(one: Any, other: Any) -> bool:
    """As JSON: 1 is not true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
