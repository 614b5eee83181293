"""The pages, and how they are rendered. The overview shows no complaint text and nobody unmasked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workers.cases.refund import yuan
from workers.cases.rights import Right
from workers.desk.alerts import add_alerts
from workers.desk.assets import asset
from workers.desk.caller import me
from workers.desk.case_list_page import add_case_list
from workers.desk.case_page import add_case_page
from workers.desk.event_pages import add_event_pages
from workers.desk.front_pages import add_front_desk
from workers.desk.inbox_pages import add_inbox
from workers.desk.live import Live, add_live
from workers.desk.operations_pages import add_operations
from workers.desk.overview_pages import add_overview
from workers.desk.problem_kinds import KINDS
from workers.desk.progress_pages import add_progress
from workers.desk.services import DeskServices
from workers.desk.task_pages import add_tasks
from workers.desk.words import countdown, duration, iso, moment, span
from workers.errors import DubanError, NotFound
from workers.notifications.labels import Labels

STATIC: Final = Path(__file__).parent / "static"


def renderer(services: DeskServices) -> Callable[..., HTMLResponse]:
    """Renders a template by name: `page(name, status=200, **view)`.

    Templates know `now`, `me()`, `labels` and `may(right)`: whether who is signed in has a right of bpmn/rights.json.
    """
    templates = _environment(services)

    def page(name: str, status: int = 200, **view: Any) -> HTMLResponse:
        now = services.clock.now()
        return HTMLResponse(templates.get_template(name).render(now=now, **view), status)

    return page


def router(services: DeskServices, page: Callable[..., HTMLResponse], live: Live) -> APIRouter:
    """The routes of the pages.

    Args:
        page: see `renderer`.
        live: tells open lists what happens.
    """
    pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    add_overview(pages, services, page)
    add_case_list(pages, services, page)

    add_case_page(pages, services, page)
    add_front_desk(pages, services, page)
    add_event_pages(pages, services, page)
    add_inbox(pages, services, page)
    add_tasks(pages, services, page)
    add_live(pages, live)
    add_operations(pages, services, page)
    add_alerts(pages, services, page)
    add_progress(pages, services, page)

    @pages.get("/problems/{name}")
    def problem_kind(name: str) -> HTMLResponse:
        if name not in KINDS:
            raise NotFound(f"there is no kind of problem {name[:40]!a}")
        return page("problem.html", problem=name, kind=KINDS[name])

    @pages.get("/{anything:path}")
    def nothing(request: Request) -> HTMLResponse:
        raise NotFound(f"there is nothing at {request.url.path[:100]!a}")

    return pages


def failure_page(page: Callable[..., HTMLResponse], error: DubanError, status: int) -> HTMLResponse:
    """A failure as a page, for people."""
    zh = {403: "不能进行此操作", 404: "这里什么也没有"}.get(status, "暂时无法显示")
    return page("missing.html", status, code=status, zh=zh, en=str(error))


def _environment(services: DeskServices) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["labels"] = services.labels
    templates.globals["me"] = me
    templates.globals["may"] = lambda right: _may(services, right)
    templates.globals["asset"] = asset
    templates.filters |= {
        "iso": iso,
        "moment": moment,
        "countdown": countdown,
        "duration": duration,
        "span": span,
        "place": _place,
        "yuan": yuan,
        "shown": lambda value: _shown(value, services.labels),
        "without": lambda chosen, gone: {name: value for name, value in chosen.items() if name not in gone},
        "filled": lambda chosen, more: {name: value for name, value in (chosen | more).items() if value},
    }
    templates.filters["instant"] = datetime.fromisoformat
    return templates


def _may(services: DeskServices, right: Right) -> bool:
    """Nobody in particular may nothing: what is not of use is not shown; the routes check by themselves."""
    who = me()
    return who is not None and services.rights.may(right, who.actor.groups)


def _place(complaint: Any) -> str:
    """City and branch, or the province where there is no city."""
    near = [part for part in (complaint.city, complaint.branch) if part]
    return " ".join(near) or complaint.province or ""


def _shown(value: Any, labels: Labels) -> str:
    """A value of a decision as people read it: words of the process by their labels."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, list):
        return "、".join(_shown(each, labels) for each in value)
    word = str(value)
    return labels.zh(word) if labels.zh(word) != word else labels.zh(word, "policy")
