"""A person's inbox as a page: what is due first, what is theirs, what they may take."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from workers.desk.access import signed_in
from workers.desk.caller import Actor
from workers.desk.services import DeskServices
from workers.errors import Refused
from workers.store import case_lines, notes, staff
from workers.store.inbox import Inbox, Place, Scope, Wanted
from workers.store.outbox import Transaction
from workers.store.overview import urgency
from workers.store.record_views import TaskView

_PAGE: Final = 40
_SOON: Final = timedelta(hours=4)
"""What the figure `due soon` above the list looks ahead; a view's figure, no rule of the operator."""

Due = Literal["", "overdue", "soon"]


@dataclass(frozen=True)
class Line:
    """A task in the list.

    Attributes:
        urgency: `on-time`, `due-soon`, `overdue`, `nothing-due`.
        used: share of its time that is gone, 0 to 1.
        case: what the case is about, without personal data; None when it is no complaint and no event.
        has_news: the customer has added something since the task is there.
    """

    task: TaskView
    urgency: str
    used: float
    case: case_lines.CaseLine | None
    has_news: bool


def add_inbox(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The inbox."""

    @pages.get("/inbox")
    def inbox(
        who: Annotated[Actor, Depends(signed_in)],
        scope: Scope = "all",
        due: Due = "",
        group: Annotated[str, Query(max_length=64)] = "",
        number: Annotated[str, Query(max_length=32)] = "",
        after: Annotated[str, Query(max_length=200)] = "",
    ) -> HTMLResponse:
        """Open tasks that the person may complete, a page of them."""
        now = services.clock.now()
        before = {"": None, "overdue": now, "soon": now + _SOON}[due]
        groups = frozenset({group}) if group else frozenset()
        wanted = Wanted(scope=scope, due_before=before, number=number.strip(), groups=groups)
        with services.database.read() as tx:
            mine = Inbox(tx, who)
            found = mine.page(wanted, after=read_place(after) if after else None, limit=_PAGE)
            view: dict[str, Any] = {
                "lines": lines(tx, found.tasks, now),
                "counts": mine.counts(now, _SOON),
                "people": staff.names(tx, {task.assignee for task in found.tasks}),
            }
        chosen = {"scope": scope, "due": due, "group": group, "number": number}
        more = write_place(found.after) if found.after else None
        return page("inbox.html", who=who, chosen=chosen, more=more, is_first=not after, **view)


def lines(tx: Transaction, tasks: list[TaskView], now: datetime) -> list[Line]:
    """The tasks with how urgent they are and what their cases are about."""
    numbers = {task.number for task in tasks if task.number}
    cases, said = case_lines.of(tx, numbers), notes.last_of_customers(tx, numbers)
    return [_line(task, now, cases.get(task.number or ""), said.get(task.number or "")) for task in tasks]


def _line(task: TaskView, now: datetime, case: case_lines.CaseLine | None, said_at: datetime | None) -> Line:
    has_news = said_at is not None and said_at > task.created_at
    return Line(task, *urgency(task.created_at, task.due_at, now), case, has_news)


def write_place(place: Place) -> str:
    """A place in the list as a word for an address."""
    content = orjson.dumps([place.sorted_at, place.task_key])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_place(word: str) -> Place:
    """The place that a word stands for. Raises Refused: it is none."""
    try:
        content = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        sorted_at, key = orjson.loads(content)
        at = datetime.fromisoformat(sorted_at)
        if at.tzinfo is None or not isinstance(key, str):
            raise ValueError
    except (binascii.Error, ValueError, TypeError) as error:
        raise Refused(
            "这不是列表中的位置。 `after` is no place in the list: begin anew at /inbox."
        ) from error
    return Place(at, key)
