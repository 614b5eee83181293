"""A server for what the pages are made of: forms and diagrams of bpmn/, behind the desk's own guard and its headers."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from workers.cases.forms import Form
from workers.desk.access import Gate
from workers.desk.assets import STATIC, asset
from workers.desk.caller import Caller
from workers.desk.guard import Guard
from workers.desk.problems import problem, status_of
from workers.errors import DubanError
from workers.names import SHANGHAI

ROOT = Path(__file__).parents[2]
TOKEN = "csrf-token-for-tests"
FORMS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("bpmn/*/*.form"))
}
DIAGRAMS = {path.stem: path for path in sorted(ROOT.glob("bpmn/*/*.bpmn"))}


class _OpenGate(Gate):
    """Lets everybody in: who may see what is not what the stage is for."""

    def __init__(self) -> None:
        pass

    async def admit(self, request: HTTPConnection) -> tuple[Caller, Response | None]:
        return Caller(), None

    async def note(self, request: HTTPConnection, caller: Caller, status: int) -> None:
        pass


@dataclass
class Stage:
    """What the server shows next, and what it was sent.

    Attributes:
        pages: body of each page by path.
        heads: names of the scripts and styles that a page loads, by path.
        sent: every request to a form's address: headers in small letters and the JSON body.
        drafts: every draft as it was put; None for one that was thrown away.
        answer: replaces the answer to a form.
        events: names of what happened, for the live connection; rows: what is on the list.
        is_cut: live connections end, and new ones get no answer.
    """

    url: str
    pages: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    drafts: list[Any] = field(default_factory=list)
    answer: Callable[[Any], Response] | None = None
    events: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    is_cut: bool = False

    def show(self, path: str, body: str, *loads: str) -> str:
        """Puts a page there; returns the path."""
        tags = [
            f'<link rel="stylesheet" href="{asset(name)}">'
            if name.endswith(".css")
            else f'<script type="module" src="{asset(name)}"></script>'
            for name in loads
        ]
        self.pages[path] = (
            '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>督办</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="csrf-token" content="{TOKEN}">'
            '<link rel="icon" href="/static/seal.svg" type="image/svg+xml">'
            f'<link rel="stylesheet" href="/static/page.css">{"".join(tags)}</head><body>{body}</body></html>'
        )
        return path

    def show_form(self, form_id: str, *, data: Any = None, draft: Any = None, **attributes: str) -> str:
        """A page with one form; attributes as the contract has them, `wording="/w"` is data-wording."""
        more = "".join(f' data-{name}="{escape(value)}"' for name, value in attributes.items())
        body = (
            f'<main><section class="card"><div data-form data-action="/forms/{form_id}"{more}>'
            f"{_script({'schema': FORMS[form_id], 'data': data or {}, 'draft': draft})}</div></section></main>"
        )
        return self.show(f"/page/{form_id}", body, "form.css", "form.js")

    def show_diagram(self, process_id: str, marks: Any = None, path: str = "") -> str:
        """A page with one diagram and these marks."""
        body = (
            f'<main><section class="card"><div data-diagram="/xml/{process_id}">{_script(marks or {})}</div>'
            "</section></main>"
        )
        return self.show(path or f"/page/{process_id}", body, "diagram.css", "diagram.js")


def _script(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json">{text}</script>'


def _app(stage: Stage) -> Starlette:
    def page(request: Request) -> Response:
        return HTMLResponse(stage.pages[request.url.path])

    def xml(request: Request) -> Response:
        return Response(DIAGRAMS[request.path_params["name"]].read_bytes(), media_type="application/xml")

    async def form(request: Request) -> Response:
        body = await request.json()
        stage.sent.append((dict(request.headers), body))
        if stage.answer is not None:
            return stage.answer(body)
        schema = FORMS[request.path_params["name"]]
        try:
            Form(schema).validate(body["variables"], now=datetime.now(SHANGHAI))
        except DubanError as error:
            return problem(status_of(error), str(error))
        return JSONResponse({})

    async def draft(request: Request) -> Response:
        stage.drafts.append(await request.json() if request.method == "PUT" else None)
        return JSONResponse({})

    async def wording(request: Request) -> Response:
        body = await request.json()
        bad = "系统故障" in body["text"]
        return JSONResponse(
            {"ok": not bad, "found": [{"level": "refused", "says": "“系统故障”不得使用。"}] if bad else []}
        )

    def rows(request: Request) -> Response:
        return HTMLResponse("".join(f"<li>{row}</li>" for row in stage.rows))

    async def live(request: Request) -> Response:
        if stage.is_cut:
            return Response(status_code=503)

        async def stream() -> Any:
            yield "retry: 200\n\n"
            told = 0
            while not stage.is_cut and not await request.is_disconnected():
                while told < len(stage.events):
                    yield f"event: {stage.events[told]}\ndata: 1\n\n"
                    told += 1
                await asyncio.sleep(0.05)

        return StreamingResponse(stream(), media_type="text/event-stream")

    return Starlette(
        routes=[
            Route("/page/{name}", page),
            Route("/xml/{name}", xml),
            Route("/forms/{name}", form, methods=["POST"]),
            Route("/draft", draft, methods=["PUT", "DELETE"]),
            Route("/wording", wording, methods=["POST"]),
            Route("/rows", rows),
            Route("/live", live),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Guard, gate=_OpenGate(), hosts=frozenset())],
    )


@contextmanager
def staged() -> Iterator[Stage]:
    """The server, for the length of a block."""
    listener = socket.create_server(("127.0.0.1", 0))
    stage = Stage(f"http://127.0.0.1:{listener.getsockname()[1]}")
    settings = uvicorn.Config(
        _app(stage), lifespan="off", log_level="error", access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        yield stage
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
