"""What every request passes before it is read: host, size, who it is; and the headers every answer carries."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.desk.access import Gate
from workers.desk.assets import PREFIX
from workers.desk.caller import calling
from workers.desk.problems import problem
from workers.names import LARGEST_BODY

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_UPLOADS: Final = re.compile(r"/api/v1/complaints/[^/]+/evidence")
"""Where a request may be as long as a file of evidence."""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """ASGI middleware. A page of another site cannot speak to this server by a host name of its own."""

    def __init__(
        self, app: ASGIApp, *, gate: Gate, hosts: frozenset[str], largest_upload: int = LARGEST_BODY
    ) -> None:
        self._app = app
        self._gate = gate
        self._largest_upload = largest_upload
        self._hosts = _LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, scope["path"])
        refusal = self._refusal(scope["path"], Headers(scope=scope))
        if refusal is None:
            request = HTTPConnection(scope)
            caller, refusal = await self._gate.admit(request)
            answer.before = lambda status: self._gate.note(request, caller, status)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        with calling(caller):
            await self._app(scope, _Body(receive, self._largest(scope["path"])), answer)

    def _largest(self, path: str) -> int:
        return self._largest_upload if _UPLOADS.fullmatch(path) else LARGEST_BODY

    def _refusal(self, path: str, headers: Headers) -> ASGIApp | None:
        if _hostname(headers.get("host", "")) not in self._hosts:
            return problem(
                421,
                "this server is not spoken to by that host name; set DUBAN_WEB__PUBLIC_URL or "
                "DUBAN_WEB__ALLOWED_HOSTS",
            )
        length = headers.get("content-length", "0")
        largest = self._largest(path)
        if not length.isdigit() or len(length) > 12 or int(length) > largest:
            return problem(413, _too_large(largest), {"Connection": "close"})
        return None


class _Body:
    """Receives the body, up to the limit: a chunked one has no length to look at before."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._largest = largest
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._largest:
            raise HTTPException(413, _too_large(self._largest), {"Connection": "close"})
        return message


class _Answer:
    """Sends the answer with the headers that every answer carries.

    Attributes:
        before: told the status before anything is sent.
    """

    def __init__(self, send: Send, path: str) -> None:
        self._send = send
        self._path = path
        self.before: Callable[[int], Awaitable[None]] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.before is not None:
                await self.before(message["status"])
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["Cache-Control"] = _kept_for(self._path, message["status"])
        await self._send(message)


def _kept_for(path: str, status: int) -> str:
    """How long a browser may keep an answer: what has the hash of its content in its name, for good."""
    if status in {200, 304} and path.startswith(PREFIX):
        return "max-age=31536000, immutable"
    return "max-age=300" if path.startswith("/static/") else "no-store"


def _too_large(largest: int) -> str:
    return f"the request is longer than {largest} bytes"


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
