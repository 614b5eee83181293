"""What the desk answers while the store is away: try again, and nothing about what went wrong."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from workers.desk.access import API
from workers.desk.problems import problem, unknown
from workers.store.outage import STORE_ERRORS, is_outage

RETRY_SECONDS: Final = 5
_ZH: Final = "数据库暂时没有应答，请稍后重试。已经生效的操作不会重复。"
_EN: Final = "The database does not answer just now. Try again in a moment: what was done is not done twice."
_PAGE: Final = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>请稍后重试 · Duban</title><link rel="stylesheet" href="/static/page.css"></head>
<body><main><h1>请稍后重试 <small lang="en">Try again in a moment</small></h1>
<p>{_ZH}</p><p lang="en">{_EN}</p><p><a class="button" href="">重试 <small lang="en">Try again</small></a></p></main>
</body></html>
"""


def answer_outages(app: FastAPI) -> None:
    """Makes the app answer 503 while the store is away, and 500 to every other error that nobody foresaw."""

    async def answered(request: Request, error: Exception) -> Response:
        if not is_outage(error):
            raise error
        return answer(request)

    for kind in STORE_ERRORS:
        app.add_exception_handler(kind, answered)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        return (
            answer(request) if is_outage(error) else unknown()
        )  # an outage that the guard met, before any route


def answer(request: Request) -> Response:
    """503 with Retry-After: a problem document, or a page that needs no template, for those look into the store."""
    headers = {"Retry-After": str(RETRY_SECONDS)}
    if request.scope["path"].startswith(API):
        return problem(503, f"{_ZH} {_EN}", headers)
    return HTMLResponse(_PAGE, 503, headers)
