"""Counts and times requests by their route's template: an address may hold a number or a key, and is never told."""

from __future__ import annotations

import time
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers import metrics, tracing

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "none"
"""What was asked for is no address of ours, or was refused before anybody looked."""


class Measured:
    """ASGI middleware, the outermost one. The time is until the answer begins: the live stream never ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        is_counted = False

        def count(status: int) -> None:
            nonlocal is_counted
            if is_counted:
                return
            is_counted = True
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = _route(scope)
            metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
            metrics.HTTP_DURATION.labels(method, route).observe(time.perf_counter() - began)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        with tracing.asked_with(Headers(scope=scope).get("traceparent")):
            try:
                await self._app(scope, receive, watched)
            except BaseException:
                count(500)
                raise


def _route(scope: Scope) -> str:
    """The template, e.g. `/complaints/{number}`; routers fill it in while they look for who answers."""
    found = getattr(scope.get("route"), "path", None)
    if isinstance(found, str):
        return found
    return "/static" if scope["path"].startswith("/static/") else NO_ROUTE
