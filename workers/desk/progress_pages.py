"""The customer's own page (rules A6, A8, B7): where the complaint is, when to expect what, the survey, an appeal.

No login: whoever has the link from the message is the customer. A wrong link and a number that does not exist look the
same, and whoever tries many waits.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from workers.cases.readable import Note
from workers.desk.services import DeskServices
from workers.desk.telling import is_handled, plain_progress
from workers.errors import Conflict
from workers.store import complaints, notes, requests
from workers.store.outbox import Transaction
from workers.store.tables import Complaint

Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
_Key = Annotated[str, Form(max_length=64)]
_WRONG_KEYS, _WINDOW = 10, timedelta(minutes=10)
_ADDRESSES: Final = 10_000


class Tries:
    """Wrong links by address, the newest addresses only: who has guessed too often waits, whatever they open next.

    In memory: 96 random bits need no more, and a restart forgives.
    """

    def __init__(self, most: int = _WRONG_KEYS, window: timedelta = _WINDOW) -> None:
        self._most = most
        self._window = window
        self._wrong: OrderedDict[str, deque[datetime]] = OrderedDict()

    def note(self, address: str, now: datetime) -> None:
        """One more wrong link from there."""
        times = self._wrong.setdefault(address, deque(maxlen=self._most))
        times.append(now)
        self._wrong.move_to_end(address)
        while len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)

    def are_too_many(self, address: str, now: datetime) -> bool:
        """Whether somebody there has tried so often that they wait."""
        times = self._wrong.get(address)
        return times is not None and len(times) == self._most and now - times[0] < self._window


class Door:
    """Lets in who has the link from the message."""

    def __init__(self, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
        self._services = services
        self._page = page
        self._tries = Tries()

    def open(
        self, request: Request, tx: Transaction, number: str | None, key: str
    ) -> Complaint | HTMLResponse:
        """The customer's complaint (by the key alone, where no number is given), or the page that says why not."""
        now, address = self._services.clock.now(), request.client.host if request.client else ""
        if self._tries.are_too_many(address, now):
            answer = self._closed(429)
            answer.headers["Retry-After"] = str(int(_WINDOW.total_seconds()))
            return answer
        if number is None:
            found = complaints.of_short_link(tx, key)
        else:
            found = complaints.of_customer_link(tx, number.upper(), key)
        if found is None:
            self._tries.note(address, now)
            return self._closed(404)
        return found

    def tell(
        self, request: Request, number: str, key: str, ask: Callable[[str], object], thanks: str, over: str
    ) -> Response:
        """Hands on what the customer says; what comes too late or twice changes nothing and says so."""
        with self._services.database.read() as tx:
            found = self.open(request, tx, number, key)
        if isinstance(found, Response):
            return found
        try:
            ask(found.number)
        except Conflict:
            return _back(found, over)
        return _back(found, thanks)

    def _closed(self, status: int) -> HTMLResponse:
        house = self._services.house
        return self._page("progress-missing.html", status, house=house, is_too_often=status == 429)


def add_progress(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The page and what customers do on it."""
    door = Door(services, page)
    _add_looking(pages, services, page, door)
    _add_saying(pages, services, door)
    _add_remarks(pages, services, door)


def _add_looking(
    pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse], door: Door
) -> None:
    @pages.get("/p/{key}", response_model=None)
    def short_link(request: Request, key: Annotated[str, Path(max_length=64)]) -> Response:
        """The link of a text message, as short as it can be: it leads to the page."""
        with services.database.read() as tx:
            found = door.open(request, tx, None, key)
        if isinstance(found, Response):
            return found
        return RedirectResponse(f"/progress/{found.number}?key={found.progress_key}", 303)

    @pages.get("/progress/{number}", response_model=None)
    def progress(
        request: Request, number: Number, key: Annotated[str, Query(max_length=64)] = "", said: str = ""
    ) -> Response:
        """Where the complaint is, in plain words."""
        with services.database.read() as tx:
            found = door.open(request, tx, number, key)
            if isinstance(found, Response):
                return found
            view = plain_progress(services, tx, found)
        submission = secrets.token_hex(16)
        return page(
            "progress.html", house=services.house, key=key, said=said[:20], submission=submission, **view
        )


def _add_saying(pages: APIRouter, services: DeskServices, door: Door) -> None:
    @pages.post("/progress/{number}/survey", response_model=None)
    def answer_survey(
        request: Request,
        number: Number,
        key: _Key,
        satisfaction: Annotated[Literal["satisfied", "dissatisfied"], Form()],
        is_solved: Annotated[bool, Form()],
        comment: Annotated[Note | Literal[""], Form()] = "",
    ) -> Response:
        """The customer's answer to the survey."""

        def ask(mine: str) -> None:
            requests.answer_survey(
                services.database,
                services.clock,
                mine,
                satisfaction=satisfaction,
                is_solved=is_solved,
                comment=comment if comment.strip() else None,
                wake=services.wake_relay,
            )

        return door.tell(request, number, key, ask, "thanks", "survey-over")

    @pages.post("/progress/{number}/appeal", response_model=None)
    def file_appeal(
        request: Request, number: Number, key: _Key, reason: Annotated[Note, Form(min_length=1)]
    ) -> Response:
        """A complaint about the handling: other people look at it again (rule B7)."""

        def ask(mine: str) -> None:
            requests.file_appeal(
                services.database,
                services.clock,
                mine,
                reason,
                windows=services.appeal_windows,
                wake=services.wake_relay,
            )

        return door.tell(request, number, key, ask, "appealed", "appeal-over")


def _add_remarks(pages: APIRouter, services: DeskServices, door: Door) -> None:
    @pages.post("/progress/{number}/note", response_model=None)
    def remark(
        request: Request,
        number: Number,
        key: _Key,
        text: Annotated[Note, Form(min_length=1)],
        submission: Annotated[str, Form(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")],
    ) -> Response:
        """What the customer adds while the complaint is handled: who works on it finds it beside the case."""

        def ask(mine: str) -> None:
            with services.database.begin() as tx:
                if not is_handled(tx, complaints.get(tx, mine)):
                    raise Conflict(f"{mine} is not handled any more.")
                now, author = services.clock.now(), notes.CUSTOMER
                notes.add(tx, mine, text, author=author, is_of_customer=True, at=now, submission=submission)

        return door.tell(request, number, key, ask, "remarked", "remark-over")


def _back(complaint: Complaint, said: str) -> Response:
    return RedirectResponse(f"/progress/{complaint.number}?key={complaint.progress_key}&said={said}", 303)
